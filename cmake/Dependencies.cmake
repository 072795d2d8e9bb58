# Everything Telltale links, found once. Each becomes one target, so that a room names what it uses and no more.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(nlohmann_json REQUIRED)
# Boost's own package config, where CMake would warn that its FindBoost is gone (since 3.30).
if(POLICY CMP0167)
  cmake_policy(SET CMP0167 NEW)
endif()
find_package(Boost 1.74 REQUIRED COMPONENTS program_options)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
# fmt without its FMT_SHARED: that means something on Windows only, and would part its users from the precompiled header.
add_library(telltale_fmt INTERFACE)
target_include_directories(telltale_fmt SYSTEM INTERFACE
  $<TARGET_PROPERTY:fmt::fmt,INTERFACE_INCLUDE_DIRECTORIES>)
target_link_libraries(telltale_fmt INTERFACE $<LINK_ONLY:fmt::fmt>)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(libarchive REQUIRED IMPORTED_TARGET libarchive)
pkg_check_modules(libpng REQUIRED IMPORTED_TARGET libpng)
pkg_check_modules(libturbojpeg REQUIRED IMPORTED_TARGET libturbojpeg)
pkg_check_modules(libseccomp REQUIRED IMPORTED_TARGET libseccomp)
find_package(MPI REQUIRED COMPONENTS C)

# The serial HDF5: LibTorch itself may load it, and the parallel build would clash in one process.
set(HDF5_PREFER_PARALLEL OFF)
find_package(HDF5 REQUIRED COMPONENTS C HL)
if(HDF5_IS_PARALLEL)
  message(FATAL_ERROR "Telltale needs the serial HDF5 (Debian: libhdf5-dev); this one is parallel")
endif()
add_library(telltale_hdf5 INTERFACE)
target_include_directories(telltale_hdf5 SYSTEM INTERFACE ${HDF5_INCLUDE_DIRS})
target_link_libraries(telltale_hdf5 INTERFACE ${HDF5_C_HL_LIBRARIES} ${HDF5_C_LIBRARIES})

# A LibTorch's own CMake package (a CUDA build, a wheel) when CMAKE_PREFIX_PATH names one; else the system's headers
# and libraries: Debian's package config drags in dependencies that are not needed to link.
add_library(telltale_torch INTERFACE)
find_path(TELLTALE_TORCH_INCLUDE torch/csrc/api/include/torch/torch.h
          PATHS /usr/include /usr/include/x86_64-linux-gnu NO_DEFAULT_PATH)
find_library(TELLTALE_TORCH_LIBRARY torch)
find_library(TELLTALE_TORCH_CPU_LIBRARY torch_cpu)
find_library(TELLTALE_C10_LIBRARY c10)
if(TELLTALE_TORCH_INCLUDE AND TELLTALE_TORCH_CPU_LIBRARY AND NOT Torch_DIR)
  target_include_directories(telltale_torch SYSTEM INTERFACE
    ${TELLTALE_TORCH_INCLUDE} ${TELLTALE_TORCH_INCLUDE}/torch/csrc/api/include)
  target_link_libraries(telltale_torch INTERFACE
    ${TELLTALE_TORCH_LIBRARY} ${TELLTALE_TORCH_CPU_LIBRARY} ${TELLTALE_C10_LIBRARY})
else()
  find_package(Torch REQUIRED)
  target_link_libraries(telltale_torch INTERFACE ${TORCH_LIBRARIES})
  separate_arguments(torch_flags UNIX_COMMAND "${TORCH_CXX_FLAGS}")
  target_compile_options(telltale_torch INTERFACE ${torch_flags})
  target_include_directories(telltale_torch SYSTEM INTERFACE ${TORCH_INCLUDE_DIRS})
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()
