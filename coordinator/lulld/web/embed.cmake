# SPDX-License-Identifier: MIT
# cmake -DOUT=FILE.c -P embed.cmake: the files beside this one as C, see ../web.h.
set(types
  .html "text/html\; charset=utf-8"
  .css "text/css\; charset=utf-8"
  .js "text/javascript\; charset=utf-8"
  .svg "image/svg+xml")
set(arrays "")
set(rows "")
foreach(name index.html dashboard.css dashboard.js icon.svg)
  get_filename_component(ending ${name} EXT)
  list(FIND types ${ending} at)
  math(EXPR at "${at} + 1")
  list(GET types ${at} type)
  string(MAKE_C_IDENTIFIER ${name} symbol)
  file(READ ${CMAKE_CURRENT_LIST_DIR}/${name} hex HEX)
  string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${hex}")
  string(APPEND arrays "static const char ${symbol}[] = {${bytes}};\n")
  if(name STREQUAL index.html)
    set(name "")
  endif()
  string(APPEND rows "\t{\"/${name}\", \"${type}\", ${symbol}, sizeof(${symbol})},\n")
endforeach()
file(WRITE ${OUT} "#include \"web.h\"\n\n${arrays}\n"
  "const struct web_file web_files[] = {\n${rows}\t{NULL, NULL, NULL, 0},\n};\n")
