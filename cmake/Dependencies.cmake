# Every third-party library enters here, under a deps:: name. docs/DEPENDENCIES.md says why each was chosen.
# A library marked optional leaves an empty target behind when it is missing, and the code that needs it says so at run time.

# ---- LibTorch: TORCH=DIR (a LibTorch folder or a Python's torch folder), else the torch of PYTHON.
set(PYTHON "${CMAKE_SOURCE_DIR}/.venv/bin/python" CACHE FILEPATH "Python that owns torch and pyarrow")
set(TORCH "$ENV{TORCH}" CACHE PATH "LibTorch folder; empty: ask PYTHON")
if(NOT TORCH)
  execute_process(COMMAND ${PYTHON} -c "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])"
                  OUTPUT_VARIABLE TORCH OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE torch_missing)
  if(torch_missing)
    message(FATAL_ERROR "No torch found by ${PYTHON}. Run 'make setup', or give -DTORCH=DIR.")
  endif()
endif()
# A CUDA build of torch asks which GPUs kernels are for; this program compiles none, so any answer does, and one must be given
# where CMake cannot find out.
if(NOT DEFINED ENV{TORCH_CUDA_ARCH_LIST})
  set(ENV{TORCH_CUDA_ARCH_LIST} "9.0")
endif()
list(APPEND CMAKE_PREFIX_PATH ${TORCH})
find_package(Torch REQUIRED)

function(deps_interface name)
  add_library(deps_${name} INTERFACE)
  add_library(deps::${name} ALIAS deps_${name})
endfunction()

# What a CUDA build of torch has beyond: graphs (vlm/step_graph.cc) and NCCL (dist/nccl.cc). The headers that its own ones include come with
# the CUDA toolkit, or with the wheels that torch's wheel brings along; `make check-cuda` compiles against them without a GPU.
deps_interface(cuda)
if(TARGET torch_cuda)
  set(wheels ${TORCH}/../nvidia)
  find_path(CUSPARSE_INCLUDE cusparse.h HINTS ${wheels}/cu13/include ${wheels}/cusparse/include ${CUDA_INCLUDE_DIRS})
  find_path(NCCL_INCLUDE nccl.h HINTS ${wheels}/nccl/include)
  if(CUSPARSE_INCLUDE)
    target_compile_definitions(deps_cuda INTERFACE BEHOLDER_CUDA=1 $<$<BOOL:${NCCL_INCLUDE}>:BEHOLDER_NCCL=1>)
    target_include_directories(deps_cuda SYSTEM INTERFACE ${CUSPARSE_INCLUDE} $<$<BOOL:${NCCL_INCLUDE}>:${NCCL_INCLUDE}>)
  endif()
  message(STATUS "CUDA graphs: ${CUSPARSE_INCLUDE}; NCCL: ${NCCL_INCLUDE}")
endif()

deps_interface(fmt)   # fmt 12 travels in torch's include folder; its compiled half is src/core/fmt.cc
target_include_directories(deps_fmt SYSTEM INTERFACE ${TORCH}/include)

deps_interface(json)
find_path(JSON_INCLUDE nlohmann/json.hpp REQUIRED)
deps_interface(toml)
find_path(TOML_INCLUDE toml++/toml.h REQUIRED)
target_compile_definitions(deps_toml INTERFACE TOML_HEADER_ONLY=1)
deps_interface(cli)
find_path(CLI_INCLUDE CLI/CLI.hpp REQUIRED)

# deps_static(name header library…): a required C library; the static archive where the system has one.
function(deps_static name header)
  deps_interface(${name})
  find_path(${name}_INCLUDE ${header} REQUIRED)
  target_include_directories(deps_${name} SYSTEM INTERFACE ${${name}_INCLUDE})
  foreach(lib IN LISTS ARGN)
    find_library(${name}_${lib} NAMES lib${lib}.a ${lib} REQUIRED)
    target_link_libraries(deps_${name} INTERFACE ${${name}_${lib}})
  endforeach()
endfunction()
deps_static(pcre2 pcre2.h pcre2-8)
deps_static(utf8proc utf8proc.h utf8proc)
deps_static(nettle nettle/sha2.h nettle)

deps_static(jpeg jpeglib.h jpeg)
deps_static(png png.h png z)
deps_static(webp webp/decode.h webpdemux webpmux webp)
deps_static(gif gif_lib.h gif)
deps_interface(images)
target_link_libraries(deps_images INTERFACE deps_jpeg deps_png deps_webp deps_gif m)

find_package(PkgConfig)
# deps_optional(name MACRO module…): pkg-config modules; defines MACRO=1 where they are found.
function(deps_optional name macro)
  deps_interface(${name})
  if(PkgConfig_FOUND)
    pkg_check_modules(${name} QUIET IMPORTED_TARGET ${ARGN})
  endif()
  if(${name}_FOUND)
    target_link_libraries(deps_${name} INTERFACE PkgConfig::${name})
    target_compile_definitions(deps_${name} INTERFACE ${macro}=1)
  else()
    message(STATUS "${name}: not found, what needs it is switched off")
  endif()
endfunction()
deps_optional(video BEHOLDER_VIDEO libavformat libavcodec libswscale libavutil)
deps_optional(avif BEHOLDER_AVIF libavif)
target_link_libraries(deps_images INTERFACE deps_avif)

deps_optional(archive BEHOLDER_ARCHIVE libarchive)
if(NOT BEHOLDER_SANITIZE)  # the sanitizers bring a malloc of their own
  deps_optional(jemalloc BEHOLDER_JEMALLOC jemalloc)
else()
  deps_interface(jemalloc)
endif()

# ---- Arrow and Parquet: the C++ libraries inside the pyarrow wheel of PYTHON; their names carry a version (libarrow.so.2600).
option(PARQUET "Read Parquet and Arrow files (needs pyarrow in PYTHON)" ON)
deps_interface(arrow)
if(PARQUET)
  execute_process(COMMAND ${PYTHON} -c "import importlib.util as u; print(u.find_spec('pyarrow').submodule_search_locations[0])"
                  OUTPUT_VARIABLE PYARROW OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  file(GLOB arrow_library ${PYARROW}/libarrow.so.[0-9]*)
  file(GLOB parquet_library ${PYARROW}/libparquet.so.[0-9]*)
  if(PYARROW AND arrow_library AND parquet_library)
    foreach(lib arrow parquet)
      add_library(pyarrow_${lib} SHARED IMPORTED)
      set_target_properties(pyarrow_${lib} PROPERTIES IMPORTED_LOCATION ${${lib}_library})
      target_link_libraries(deps_arrow INTERFACE pyarrow_${lib})
    endforeach()
    target_include_directories(deps_arrow SYSTEM INTERFACE ${PYARROW}/include)
    target_compile_definitions(deps_arrow INTERFACE BEHOLDER_ARROW=1)
  else()
    message(STATUS "pyarrow: not found, Parquet and Arrow files are switched off")
  endif()
endif()

find_package(GTest QUIET)
