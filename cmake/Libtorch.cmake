# libtorch: the system's, or that of the Python package `torch`, which comes with headers and libraries, for CPUs or
# with CUDA. Sets MCUNET_LIBTORCH, what modules link.
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
# By name, so that libraries of the system's that lie beside it, such as OpenMP's, are found there as well.
target_link_libraries(mcunet_libtorch INTERFACE
  -L${MCUNET_TORCH_PACKAGE}/lib -Wl,-rpath,${MCUNET_TORCH_PACKAGE}/lib -ltorch -ltorch_cpu -lc10)
if(EXISTS ${MCUNET_TORCH_PACKAGE}/lib/libtorch_cuda.so)
  # Nothing names it: what it brings is registered when it is loaded. It finds CUDA's libraries by itself.
  target_link_libraries(mcunet_libtorch INTERFACE
    -Wl,--push-state,--no-as-needed -ltorch_cuda -lc10_cuda -Wl,--pop-state -Wl,--allow-shlib-undefined)
endif()
