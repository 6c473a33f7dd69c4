# For another architecture, with Debian's cross compiler: tools/cross gives DROVER_CROSS_TRIPLET (as
# aarch64-linux-gnu) and DROVER_CROSS_SYSROOT, where packages of that architecture are unpacked.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES DROVER_CROSS_TRIPLET DROVER_CROSS_SYSROOT)
set(triplet ${DROVER_CROSS_TRIPLET})
set(sysroot ${DROVER_CROSS_SYSROOT})

set(CMAKE_SYSTEM_NAME Linux)
string(REGEX REPLACE "-.*" "" CMAKE_SYSTEM_PROCESSOR ${triplet})
set(CMAKE_LIBRARY_ARCHITECTURE ${triplet})
set(CMAKE_C_COMPILER ${triplet}-gcc)
set(CMAKE_CXX_COMPILER ${triplet}-g++)

# No --sysroot: the C and C++ libraries are those of the cross compiler's own packages, whose linker
# scripts have paths of this machine. Everything else is found in the sysroot.
set(CMAKE_FIND_ROOT_PATH ${sysroot})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_LIBDIR} ${sysroot}/usr/lib/${triplet}/pkgconfig:${sysroot}/usr/share/pkgconfig)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${sysroot})

# Headers at the top and in the architecture's folder; libraries that others need, too.
set(CMAKE_CXX_STANDARD_INCLUDE_DIRECTORIES ${sysroot}/usr/include ${sysroot}/usr/include/${triplet})
set(libraries "-L${sysroot}/usr/lib/${triplet} -Wl,-rpath-link,${sysroot}/usr/lib/${triplet}")
set(CMAKE_EXE_LINKER_FLAGS_INIT ${libraries})
set(CMAKE_SHARED_LINKER_FLAGS_INIT ${libraries})

# mold takes no part: Debian 12's can't link for every architecture.
set(MOLD_PROGRAM "" CACHE FILEPATH "no mold")
