# Every third-party library, from the distribution (scripts/bootstrap installs the packages).

include("${CMAKE_CURRENT_LIST_DIR}/vivim_packages.cmake")

# Warnings are ours to fix, not the packages': third-party headers are system headers.
function(vivim_external name)
  add_library(vivim_external_${name} INTERFACE)
  add_library(external::${name} ALIAS vivim_external_${name})
  target_link_libraries(vivim_external_${name} INTERFACE ${ARGN})
  set_target_properties(vivim_external_${name} PROPERTIES EXPORT_NAME external_${name})
  set_property(GLOBAL APPEND PROPERTY VIVIM_EXTERNALS vivim_external_${name})
endfunction()

vivim_external(openssl OpenSSL::Crypto)
vivim_external(openssl_ssl OpenSSL::SSL OpenSSL::Crypto)
vivim_external(sodium PkgConfig::sodium)
vivim_external(sqlite SQLite::SQLite3)
vivim_external(zlib ZLIB::ZLIB)
vivim_external(zstd PkgConfig::zstd)
vivim_external(brotli PkgConfig::brotli)
vivim_external(cares PkgConfig::cares)
vivim_external(miniupnpc PkgConfig::miniupnpc)
vivim_external(natpmp "${NATPMP_LIBRARY}")
vivim_external(fmt PkgConfig::fmt)
vivim_external(simdjson PkgConfig::simdjson)
vivim_external(toml PkgConfig::tomlplusplus)
vivim_external(ngtcp2 PkgConfig::ngtcp2)
vivim_external(boost_json Boost::json)
vivim_external(boost_url Boost::url)
vivim_external(protobuf protobuf::libprotobuf-lite)
vivim_external(threads Threads::Threads)
vivim_external(asio Boost::headers Threads::Threads)
target_compile_definitions(vivim_external_asio INTERFACE
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_NO_TS_EXECUTORS
  BOOST_ASIO_DISABLE_BOOST_COROUTINE BOOST_ASIO_DISABLE_AWAITABLE_FRAME_RECYCLING)
