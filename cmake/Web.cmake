# Builds the pages' script: npm ci where the lock file is newer than what is installed, then Vite.
#
#   cmake -DNPM=... -DSOURCE=web -DOUTPUT=FOLDER -DSTAMP=FILE -DNEEDED=AUTO|ON -P cmake/Web.cmake
#
# With AUTO a registry that can't be reached costs the script and not the build.

function(run_npm)
  execute_process(COMMAND ${CMAKE_COMMAND} -E env DROVER_WEB_OUT=${OUTPUT} ${NPM} ${ARGN}
                  WORKING_DIRECTORY ${SOURCE} RESULT_VARIABLE code OUTPUT_VARIABLE said ERROR_VARIABLE said)
  if(code EQUAL 0)
    return()
  endif()
  string(REPLACE ";" " " words "${ARGN}")
  if(NEEDED STREQUAL ON OR ARGV0 STREQUAL run)
    message(FATAL_ERROR "web: npm ${words} failed:\n${said}")
  endif()
  message(WARNING "web: npm ${words} failed, so the pages have no script: each works, none is live. "
                  "DROVER_WEB=ON makes this an error; DROVER_WEB=OFF leaves it out.\n${said}")
  file(TOUCH ${STAMP})
  set(failed TRUE PARENT_SCOPE)
endfunction()

set(failed FALSE)
set(installed ${SOURCE}/node_modules/.package-lock.json)
if(NOT EXISTS ${installed} OR ${SOURCE}/package-lock.json IS_NEWER_THAN ${installed})
  run_npm(ci --ignore-scripts --no-audit --no-fund)
endif()
if(NOT failed)
  run_npm(run build)
  file(TOUCH ${STAMP})
endif()
