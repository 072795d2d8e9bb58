# How a room and a test are built: telltale_room(), telltale_test().

add_library(telltale_options INTERFACE)
target_compile_features(telltale_options INTERFACE cxx_std_20)
target_include_directories(telltale_options INTERFACE ${PROJECT_SOURCE_DIR}/src)
# -ffp-contract=off and no -march=native: our own arithmetic must give the same bits on every CPU.
target_compile_options(telltale_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -ffp-contract=off
                       -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Both report impossible sizes in inlined std::string and std::vector code of GCC 12 (its bugs 105329 and 105545).
  target_compile_options(telltale_options INTERFACE -Wno-restrict -Wno-stringop-overflow)
  if(CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 13)
    # So does the first since GCC 13, in code inlined from LibTorch 2's headers too; the second takes a reference to what a
    # registry holds for one to its argument.
    target_compile_options(telltale_options INTERFACE -Wno-array-bounds -Wno-dangling-reference)
  endif()
endif()
if(TELLTALE_WERROR)
  target_compile_options(telltale_options INTERFACE -Werror)
endif()
if(TELLTALE_SANITIZE)
  # Without optimisation: with their checks in it, code takes twice as long to optimise as the tests take to run without.
  target_compile_options(telltale_options INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=undefined
                         -fno-omit-frame-pointer -O0 -g1)
  target_link_options(telltale_options INTERFACE -fsanitize=address,undefined)
endif()

# What calls LibTorch, commands and tests compute little themselves: compiling them faster saves more than running them faster.
# Levels of optimisation change no bits of ours. (Plans are made of JSON, which -O1 makes 1.7 times slower: not there.)
add_library(telltale_glue_options INTERFACE)
if(NOT TELLTALE_SANITIZE)
  target_compile_options(telltale_glue_options INTERFACE -O1)
endif()

# Most of the build's time is headers, and what GCC instantiates of them in each unit anew. With TELLTALE_UNITY the sources of
# a room, and its tests, are compiled some at a time, in a third of the time: so their local names must differ.
option(TELLTALE_UNITY "Compile many sources of a room at a time" OFF)
function(telltale_unity target at_a_time)
  if(TELLTALE_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${at_a_time})
    # A class of one source with members of that source's local types is right.
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
  endif()
endfunction()

# telltale_torch_headers(<target> [GLUE]): its sources need LibTorch. Its headers, 20 s a unit, are compiled once for each level
# of optimisation.
function(telltale_torch_headers target)
  set(pch telltale_torch_pch)
  if("GLUE" IN_LIST ARGN AND NOT TELLTALE_SANITIZE)
    set(pch telltale_torch_glue_pch)
  endif()
  if(NOT TARGET ${pch})
    add_library(${pch} OBJECT ${PROJECT_SOURCE_DIR}/cmake/torch_pch.cpp)
    target_link_libraries(${pch} PUBLIC telltale_options telltale_torch)
    if(pch STREQUAL telltale_torch_glue_pch)
      target_link_libraries(${pch} PUBLIC telltale_glue_options)
    endif()
    target_precompile_headers(${pch} PRIVATE <torch/types.h> <torch/nn/module.h> <nlohmann/json.hpp>)
  endif()
  target_precompile_headers(${target} REUSE_FROM ${pch})
endfunction()

# telltale_room(<name> [GLUE] SOURCES ... [TORCH_SOURCES ...] LINK ... [TORCH_LINK ...] PRIVATE_LINK ... TORCH_PRIVATE_LINK ...):
# the static library telltale_<name> of src/<name>/. Where only some sources need LibTorch, the others are a library of
# their own, telltale_<name>_light, which links without it: what the program `telltale` is made of. GLUE: what calls LibTorch
# computes little itself; of a room without such sources, all of it.
function(telltale_room name)
  cmake_parse_arguments(ROOM "GLUE" "" "SOURCES;TORCH_SOURCES;LINK;TORCH_LINK;PRIVATE_LINK;TORCH_PRIVATE_LINK" ${ARGN})
  set(light telltale_${name})
  set(glue)
  set(level)
  if(ROOM_GLUE)
    set(glue telltale_glue_options)
    set(level GLUE)
  endif()
  set(light_glue ${glue})
  if(ROOM_TORCH_SOURCES)
    set(light_glue)
    set(light telltale_${name}_light)
    add_library(telltale_${name} STATIC ${ROOM_TORCH_SOURCES})
    target_link_libraries(telltale_${name} PUBLIC ${light} ${ROOM_TORCH_LINK} telltale_torch PRIVATE ${glue} ${ROOM_TORCH_PRIVATE_LINK})
    telltale_torch_headers(telltale_${name} ${level})
    telltale_unity(telltale_${name} 16)
  endif()
  add_library(${light} STATIC ${ROOM_SOURCES})
  target_link_libraries(${light} PUBLIC telltale_options ${ROOM_LINK} PRIVATE ${light_glue} ${ROOM_PRIVATE_LINK})
  telltale_unity(${light} 10)
endfunction()

# The headers of a test that sees no tensor, likewise: telltale_test_pch(<target>).
function(telltale_test_pch target)
  if(NOT TARGET telltale_gtest_pch)
    add_library(telltale_gtest_pch OBJECT ${PROJECT_SOURCE_DIR}/cmake/gtest_pch.cpp)
    target_link_libraries(telltale_gtest_pch PUBLIC telltale_options telltale_glue_options GTest::gtest nlohmann_json::nlohmann_json)
    target_precompile_headers(telltale_gtest_pch PRIVATE <gtest/gtest.h> <nlohmann/json.hpp>)
  endif()
  target_precompile_headers(${target} REUSE_FROM telltale_gtest_pch)
endfunction()

# telltale_test(<room> [TORCH] SOURCES ... LINK ...): one GoogleTest program, its cases known to CTest one by one.
function(telltale_test room)
  cmake_parse_arguments(TEST "TORCH" "" "SOURCES;LINK" ${ARGN})
  add_executable(test_${room} ${TEST_SOURCES})
  target_include_directories(test_${room} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(test_${room} PRIVATE telltale_${room} ${TEST_LINK} telltale_glue_options GTest::gtest_main)
  if(TEST_TORCH)
    target_link_libraries(test_${room} PRIVATE telltale_torch)
    telltale_torch_headers(test_${room} GLUE)
  else()
    telltale_test_pch(test_${room})
  endif()
  telltale_unity(test_${room} 10)
  add_test(NAME unit.${room} COMMAND test_${room})
  # Under sanitizers only these are built and run: target unit_tests, label sanitize.
  if(NOT TARGET unit_tests)
    add_custom_target(unit_tests)
  endif()
  add_dependencies(unit_tests test_${room})
  set_tests_properties(unit.${room} PROPERTIES LABELS "unit;sanitize" TIMEOUT 1800
    ENVIRONMENT "OMP_NUM_THREADS=1;OPENBLAS_NUM_THREADS=1")
endfunction()

# telltale_mpi_test(<name> <ranks> <command...>): the command on that many ranks (more than cores is fine), known to CTest
# as <name>.n<ranks>. No transport is chosen here: Open MPI 4 and 5 name them differently.
function(telltale_mpi_test name ranks)
  add_test(NAME ${name}.n${ranks}
    COMMAND ${MPIEXEC_EXECUTABLE} --oversubscribe --bind-to none ${MPIEXEC_NUMPROC_FLAG} ${ranks} ${ARGN})
  set_tests_properties(${name}.n${ranks} PROPERTIES LABELS cluster TIMEOUT 1200 PROCESSORS 2
    ENVIRONMENT "OMP_NUM_THREADS=1;OPENBLAS_NUM_THREADS=1;OMPI_ALLOW_RUN_AS_ROOT=1;OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1")
endfunction()
