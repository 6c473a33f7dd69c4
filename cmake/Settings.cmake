# How everything of ours is compiled. Targets link `drover_options`.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
include(CTest)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # Precompiled headers and ccache get along only with this sloppiness.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      ${CCACHE_PROGRAM})
endif()
find_program(MOLD_PROGRAM mold)

add_library(drover_options INTERFACE)
target_include_directories(drover_options INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})
target_compile_options(drover_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports -Wmaybe-uninitialized and -Wrestrict falsely inside std::variant and std::string.
  target_compile_options(drover_options INTERFACE -Wno-maybe-uninitialized -Wno-restrict
                         -Wno-dangling-pointer -Wno-stringop-overflow -Wno-array-bounds)
  target_compile_options(drover_options INTERFACE -fpch-preprocess)
endif()
if(MOLD_PROGRAM)
  target_link_options(drover_options INTERFACE -fuse-ld=mold)
endif()
option(DROVER_FUZZ "Instrument for libFuzzer (clang only): tools/fuzz" OFF)
if(DROVER_FUZZ)
  # clang warns of other things than g++, which all else is built with.
  target_compile_options(drover_options INTERFACE -fsanitize=fuzzer-no-link -Wno-error)
endif()
if(DROVER_SANITIZE)
  target_compile_options(drover_options INTERFACE -fsanitize=${DROVER_SANITIZE} -fno-sanitize-recover=all
                         -fno-omit-frame-pointer)
  target_link_options(drover_options INTERFACE -fsanitize=${DROVER_SANITIZE})
endif()

# drover_library(NAME SOURCES... [PCH headers...] LINK libs...)
function(drover_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;PCH" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC drover_options ${ARG_LINK})
  if(ARG_PCH)
    target_precompile_headers(${name} PRIVATE ${ARG_PCH})
  endif()
endfunction()

# drover_busy(NAME...): what the simulated farm runs all day is optimised in the dev preset too. That
# costs some tenths of a second a file, and makes the thousands of seeds of each check several times
# as fast.
function(drover_busy)
  foreach(name ${ARGN})
    target_compile_options(${name} PRIVATE $<$<CONFIG:Debug>:-O1>)
  endforeach()
endfunction()

# drover_test(NAME LABEL label SOURCES... LINK libs...): a Catch2 program and one ctest entry.
function(drover_test name)
  cmake_parse_arguments(ARG "" "LABEL" "SOURCES;LINK;PCH" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE drover_catch_main ${ARG_LINK})
  if(ARG_PCH)
    target_precompile_headers(${name} PRIVATE ${ARG_PCH})
  endif()
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABEL}" TIMEOUT 300)
endfunction()
