# libtorch: the system's, or that of the Python package `torch`, which comes with headers and libraries, for CPUs or
# with CUDA. Sets MCUNET_LIBTORCH, what modules link; where ranks on GPUs can talk by NCCL, MCUNET_NCCL_INCLUDE_DIRS: the
# headers of CUDA and NCCL; and where kernels for GPUs can be compiled, MCUNET_NVCC, MCUNET_NVCC_FLAGS,
# MCUNET_CUDA_RUNTIME and MCUNET_LIBTORCH_HEADERS.
set(MCUNET_TORCH_PACKAGE "" CACHE PATH
    "Folder of a Python package torch, to build with its libtorch: python3 -c 'import torch; print(torch.__path__[0])'")

if(NOT MCUNET_TORCH_PACKAGE)
  find_package(Torch REQUIRED)
  set(MCUNET_LIBTORCH ${TORCH_LIBRARIES})
  return()
endif()

if(NOT EXISTS ${MCUNET_TORCH_PACKAGE}/include/ATen/ATen.h)
  message(FATAL_ERROR "MCUNET_TORCH_PACKAGE: ${MCUNET_TORCH_PACKAGE} has no libtorch, include/ATen/ATen.h is missing")
endif()

# Its headers lie among those of other libraries, of other versions than the system's.
set(headers ${CMAKE_BINARY_DIR}/libtorch-headers)
file(MAKE_DIRECTORY ${headers})
foreach(folder torch ATen c10 caffe2)
  file(CREATE_LINK ${MCUNET_TORCH_PACKAGE}/include/${folder} ${headers}/${folder} SYMBOLIC)
endforeach()

add_library(mcunet_libtorch INTERFACE)
set(MCUNET_LIBTORCH mcunet_libtorch)
target_include_directories(mcunet_libtorch SYSTEM INTERFACE
  ${headers} ${headers}/torch/csrc/api/include)
target_compile_definitions(mcunet_libtorch INTERFACE USE_DISTRIBUTED USE_C10D_GLOO)
# By name, so that libraries of the system's that lie beside it, such as OpenMP's, are found there as well. Some
# versions export parts of a C++ library of their own, such as std::filesystem: the system's comes first.
target_link_libraries(mcunet_libtorch INTERFACE
  -Wl,--push-state,--no-as-needed,-lstdc++,--pop-state
  -L${MCUNET_TORCH_PACKAGE}/lib -Wl,-rpath,${MCUNET_TORCH_PACKAGE}/lib -ltorch -ltorch_cpu -lc10)
if(EXISTS ${MCUNET_TORCH_PACKAGE}/lib/libtorch_cuda.so)
  # Nothing names it: what it brings is registered when it is loaded. It finds CUDA's libraries by itself.
  target_link_libraries(mcunet_libtorch INTERFACE
    -Wl,--push-state,--no-as-needed,-ltorch_cuda,-lc10_cuda,--pop-state -Wl,--allow-shlib-undefined)
  # Beside the package torch lie those that it asks for, each with its headers.
  file(GLOB beside ${MCUNET_TORCH_PACKAGE}/../nvidia/*/include)
  foreach(header nccl.h cuda_runtime_api.h cublas_v2.h cusparse.h cusolverDn.h)
    find_path(MCUNET_PATH_OF_${header} ${header}
      HINTS ${beside} $ENV{CUDA_HOME}/include PATHS /usr/local/cuda/include)
    mark_as_advanced(MCUNET_PATH_OF_${header})
    list(APPEND MCUNET_NCCL_INCLUDE_DIRS ${MCUNET_PATH_OF_${header}})
  endforeach()
  list(REMOVE_DUPLICATES MCUNET_NCCL_INCLUDE_DIRS)
  list(REMOVE_ITEM MCUNET_NCCL_INCLUDE_DIRS ${CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES})
  find_program(MCUNET_NVCC nvcc HINTS $ENV{CUDA_HOME}/bin PATHS /usr/local/cuda/bin)
  get_filename_component(toolkit "${MCUNET_NVCC}" DIRECTORY)
  # The static one, as libtorch brings another, which lies where only libtorch finds it.
  find_library(MCUNET_CUDA_RUNTIME cudart_static HINTS ${toolkit}/../lib64 ${toolkit}/../lib)
  mark_as_advanced(MCUNET_NVCC MCUNET_CUDA_RUNTIME)
  # For Ampere and Hopper; what comes later compiles Hopper's when it loads them.
  set(MCUNET_NVCC_FLAGS -ccbin ${CMAKE_CXX_COMPILER} -std=c++20 -O3 -Xcompiler -fPIC --expt-relaxed-constexpr
    -gencode=arch=compute_80,code=sm_80 -gencode=arch=compute_90,code=[sm_90,compute_90])
  set(problem "is missing (CUDA_HOME may say where it is)")
  if(MCUNET_NVCC AND MCUNET_CUDA_RUNTIME)
    set(problem "does not take C++20, this host's compiler, or Hopper")
    file(WRITE ${CMAKE_BINARY_DIR}/nvcc_works.cu "template <typename T> concept Any = true;\n__global__ void f() {}\n")
    execute_process(COMMAND ${MCUNET_NVCC} ${MCUNET_NVCC_FLAGS} -c nvcc_works.cu -o nvcc_works.o
      WORKING_DIRECTORY ${CMAKE_BINARY_DIR} RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
    if(failed EQUAL 0)
      set(MCUNET_LIBTORCH_HEADERS ${headers})
    endif()
  endif()
  if(NOT MCUNET_LIBTORCH_HEADERS)
    message(WARNING "CUDA's compiler nvcc, with its static run-time library, ${problem}: "
      "training on GPUs will take libtorch's operators alone, which is slower, and slow to begin with each new shape")
  endif()
  if(MCUNET_NCCL_INCLUDE_DIRS MATCHES NOTFOUND)
    message(WARNING "Headers of CUDA or NCCL are missing (nccl.h, cuda_runtime_api.h, cublas_v2.h, cusparse.h, "
      "cusolverDn.h; CUDA_HOME may say where CUDA's are): ranks on GPUs will talk by Gloo, which is slower")
    set(MCUNET_NCCL_INCLUDE_DIRS)
  endif()
endif()
