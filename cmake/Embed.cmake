# Writes OUTPUT, which defines drover::http::openapi_document() with the text of INPUT.
file(READ ${INPUT} text)
# A literal may not be as long as the document: pieces of it follow each other.
string(LENGTH "${text}" length)
set(pieces "")
set(at 0)
while(at LESS length)
  string(SUBSTRING "${text}" ${at} 8000 piece)
  string(APPEND pieces "  out += R\"embedded(${piece})embedded\";\n")
  math(EXPR at "${at} + 8000")
endwhile()
file(WRITE ${OUTPUT} "#include \"nodes/http/openapi.hpp\"\n\nnamespace drover::http {\n\nstd::string \
openapi_document() {\n  std::string out;\n${pieces}  return out;\n}\n\n} // namespace drover::http\n")
