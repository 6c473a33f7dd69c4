# Debian's packages, as targets. tools/setup installs them.
list(PREPEND CMAKE_MODULE_PATH ${CMAKE_SOURCE_DIR}/cmake)
find_package(Threads REQUIRED)
find_package(CAF 0.17.6 REQUIRED)          # cmake/FindCAF.cmake: caf::core
find_package(CapnProto REQUIRED)           # CapnProto::capnp, ::capnp-rpc, ::kj-async, ::kj-tls (tests)
find_package(OpenSSL REQUIRED)
find_package(spdlog REQUIRED)
find_package(fmt REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(ARCHIVE REQUIRED IMPORTED_TARGET libarchive)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(EXPAT REQUIRED IMPORTED_TARGET expat)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)

find_package(CLI11 REQUIRED)

option(DROVER_COORDINATOR "Build the coordinator, its store and the command line, not only the host" ON)
if(DROVER_COORDINATOR)
  find_package(RocksDB REQUIRED)
  find_package(Boost 1.81 REQUIRED CONFIG) # its own CMake files: CMake's module is on its way out
  find_package(nlohmann_json REQUIRED)
  find_package(CURL REQUIRED)
endif()
