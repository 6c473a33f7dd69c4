# Debian packages of the components of cmake/Install.cmake, by CPack: drover, drover-coordinator and
# drover-host. tools/package builds them.
set(units ${CMAKE_SOURCE_DIR}/packaging/systemd)
set(debian ${CMAKE_SOURCE_DIR}/packaging/debian)
set(CPACK_COMPONENTS_ALL host)
if(DROVER_COORDINATOR)
  list(APPEND CPACK_COMPONENTS_ALL drover coordinator)
endif()

# -- what is in a package and not in `cmake --install`: it would overwrite the settings in /etc ------
function(drover_package_files component package)
  install(FILES ${debian}/copyright DESTINATION share/doc/${package} COMPONENT ${component}
          EXCLUDE_FROM_ALL)
endfunction()
function(drover_service component package)
  install(FILES ${units}/${package}.service DESTINATION lib/systemd/system COMPONENT ${component}
          EXCLUDE_FROM_ALL)
  install(FILES ${debian}/${component}/default DESTINATION /etc/default RENAME ${package}
          COMPONENT ${component} EXCLUDE_FROM_ALL)
endfunction()
drover_package_files(host drover-host)
drover_service(host drover-host)
if(DROVER_COORDINATOR)
  drover_package_files(drover drover)
  drover_package_files(coordinator drover-coordinator)
  drover_service(coordinator drover-coordinator)
  install(FILES ${debian}/coordinator/farm.yaml DESTINATION /etc/drover COMPONENT coordinator
          EXCLUDE_FROM_ALL)
  install(FILES ${CMAKE_SOURCE_DIR}/docs/OPERATING.md ${CMAKE_SOURCE_DIR}/docs/CONFIG.md
                ${CMAKE_SOURCE_DIR}/docs/tutorial.md
          DESTINATION share/doc/drover COMPONENT drover EXCLUDE_FROM_ALL)
endif()

# -- the packages ----------------------------------------------------------------------------------
# Libraries differ between releases of Debian, and so do packages; a later release's one is newer.
file(STRINGS /etc/os-release release REGEX "^VERSION_ID=")
string(REGEX REPLACE "[^0-9.]" "" release "${release}")
set(DROVER_PACKAGE_REVISION 1 CACHE STRING "counts packages of one version")
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME drover)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_DEBIAN_PACKAGE_RELEASE "${DROVER_PACKAGE_REVISION}~deb${release}")
set(CPACK_PACKAGE_CONTACT "Drover's maintainers <drover@example.org>")
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE
    GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

# -- what `apt show` says of them --------------------------------------------------------------------
set(about "A farm builds and tests what changes, on many unlike machines, and heals
itself: hosts come and go, fall silent or ill, and no result is lost.
.")
set(CPACK_DEBIAN_HOST_PACKAGE_NAME drover-host)
set(CPACK_DEBIAN_HOST_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_HOST_PACKAGE_RECOMMENDS bubblewrap)
set(CPACK_DEBIAN_HOST_PACKAGE_CONTROL_EXTRA ${debian}/host/postinst ${debian}/host/prerm
    ${debian}/host/postrm ${debian}/host/conffiles)
set(CPACK_DEBIAN_HOST_DESCRIPTION "self-healing build and test farm: a machine that builds
${about}
The agent and the keepers of its steps, for each machine that builds.")
set(CPACK_DEBIAN_DROVER_PACKAGE_NAME drover)
set(CPACK_DEBIAN_DROVER_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_DROVER_PACKAGE_SUGGESTS "drover-coordinator, drover-host")
set(CPACK_DEBIAN_DROVER_DESCRIPTION "self-healing build and test farm: command line
${about}
The command line, its completion, manual pages and documents. With both
other packages, `drover up` runs a whole farm on one machine.")
set(CPACK_DEBIAN_COORDINATOR_PACKAGE_NAME drover-coordinator)
set(CPACK_DEBIAN_COORDINATOR_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_COORDINATOR_PACKAGE_DEPENDS adduser)
set(CPACK_DEBIAN_COORDINATOR_PACKAGE_RECOMMENDS "drover, git, mercurial, ca-certificates")
set(CPACK_DEBIAN_COORDINATOR_PACKAGE_CONTROL_EXTRA ${debian}/coordinator/postinst
    ${debian}/coordinator/prerm ${debian}/coordinator/postrm ${debian}/coordinator/conffiles)
set(CPACK_DEBIAN_COORDINATOR_DESCRIPTION "self-healing build and test farm: coordinator
${about}
The program that decides, keeps all results and serves the web pages: one
in a farm.")
include(CPack)
