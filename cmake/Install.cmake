# `cmake --install`: programs, manual pages, completion, examples, where Debian expects them.
include(GNUInstallDirs)

install(TARGETS drover-host drover-keeper RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
if(DROVER_COORDINATOR)
  install(TARGETS drover drover-coordinator RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(DIRECTORY ${CMAKE_BINARY_DIR}/share/drover/web DESTINATION ${CMAKE_INSTALL_DATADIR}/drover)
endif()
install(FILES ${CMAKE_SOURCE_DIR}/config/farm.example.yaml ${CMAKE_SOURCE_DIR}/config/drover.schema.json
        DESTINATION ${CMAKE_INSTALL_DATADIR}/drover)

# -- manual pages, from docs/man/*.scd ---------------------------------------------------------------
find_program(SCDOC_PROGRAM scdoc)
if(SCDOC_PROGRAM)
  file(GLOB pages CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/docs/man/*.scd)
  foreach(page ${pages})
    get_filename_component(name ${page} NAME_WLE) # drover.1
    string(REGEX MATCH "[0-9]$" section ${name})
    set(built ${CMAKE_BINARY_DIR}/man/${name})
    add_custom_command(OUTPUT ${built} DEPENDS ${page}
                       COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/man
                       COMMAND sh -c "'${SCDOC_PROGRAM}' < '${page}' > '${built}'" VERBATIM)
    list(APPEND built_pages ${built})
    install(FILES ${built} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
  endforeach()
  add_custom_target(manual_pages ALL DEPENDS ${built_pages})
else()
  message(STATUS "scdoc is not there: no manual pages (tools/setup installs it)")
endif()

# -- completion: `drover` knows it, so it is asked when it is installed ------------------------------
if(DROVER_COORDINATOR)
  install(CODE "
    foreach(place bash:${CMAKE_INSTALL_DATADIR}/bash-completion/completions/drover
                  zsh:${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions/_drover
                  fish:${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d/drover.fish)
      string(REPLACE \":\" \";\" pair \"\${place}\")
      list(GET pair 0 shell)
      list(GET pair 1 file)
      set(target \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/\${file}\")
      get_filename_component(folder \"\${target}\" DIRECTORY)
      file(MAKE_DIRECTORY \"\${folder}\")
      message(STATUS \"Installing: \${target}\")
      execute_process(COMMAND \"${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/drover\" completion \${shell}
                      OUTPUT_FILE \"\${target}\" COMMAND_ERROR_IS_FATAL ANY)
    endforeach()")
endif()
