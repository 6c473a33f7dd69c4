# Writes OUTPUT, which defines drover::NAME() with the text of INPUT, as HEADER declares it.
file(READ ${INPUT} text)
file(WRITE ${OUTPUT} "#include \"${HEADER}\"\n\nnamespace drover {\n\nstd::string ${NAME}() {\n\
  return R\"embedded(${text})embedded\";\n}\n\n} // namespace drover\n")
