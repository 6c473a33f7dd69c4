# `cmake --install`: programs, manual pages, completion, examples, where Debian expects them. Each
# belongs to the component whose package it is in (cmake/Packages.cmake).
include(GNUInstallDirs)

install(TARGETS drover-host drover-keeper RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT host)
if(DROVER_COORDINATOR)
  install(TARGETS drover RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT drover)
  install(TARGETS drover-coordinator RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT coordinator)
  install(DIRECTORY ${CMAKE_BINARY_DIR}/share/drover/web DESTINATION ${CMAKE_INSTALL_DATADIR}/drover
          COMPONENT coordinator)
  install(FILES ${CMAKE_SOURCE_DIR}/config/farm.example.yaml ${CMAKE_SOURCE_DIR}/config/drover.schema.json
          DESTINATION ${CMAKE_INSTALL_DATADIR}/drover COMPONENT drover)
endif()

# -- manual pages, from docs/man/*.scd ---------------------------------------------------------------
set(component_of_drover.1 drover)
set(component_of_drover-farm.yaml.5 drover)
set(component_of_drover-coordinator.8 coordinator)
set(component_of_drover-host.8 host)
find_program(SCDOC_PROGRAM scdoc)
if(SCDOC_PROGRAM)
  file(GLOB pages CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/docs/man/*.scd)
  foreach(page ${pages})
    get_filename_component(name ${page} NAME_WLE) # drover.1
    string(REGEX MATCH "[0-9]$" section ${name})
    if(NOT component_of_${name})
      message(FATAL_ERROR "${page}: say in cmake/Install.cmake which package it belongs to")
    endif()
    set(built ${CMAKE_BINARY_DIR}/man/${name}.gz)
    add_custom_command(OUTPUT ${built} DEPENDS ${page}
                       COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/man
                       COMMAND sh -c "'${SCDOC_PROGRAM}' < '${page}' | gzip -9n > '${built}'" VERBATIM)
    list(APPEND built_pages ${built})
    install(FILES ${built} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section}
            COMPONENT ${component_of_${name}})
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
    endforeach()" COMPONENT drover)
endif()
