#pragma once

#include <string_view>

namespace vivim::node::test {

/// Its own authority, for node.example, 127.0.0.1 and 10.0.0.2, from 2020 to 2120.
inline constexpr std::string_view k_certificate =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBdTCCARygAwIBAgIBATAKBggqhkjOPQQDAjAXMRUwEwYDVQQDDAxub2RlLmV4\n"
    "YW1wbGUwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBcxFTATBgNV\n"
    "BAMMDG5vZGUuZXhhbXBsZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABEw96Vss\n"
    "AftNHqYX0L4Sg9+/WUyKazeM5qS9/1DriVwIn3Yhi7MjlmNuMD2CitBnXUe/FbVS\n"
    "lvatZ2jyiLWj1C+jVzBVMCMGA1UdEQQcMBqCDG5vZGUuZXhhbXBsZYcEfwAAAYcE\n"
    "CgAAAjAPBgNVHRMBAf8EBTADAQH/MB0GA1UdDgQWBBQwLfb92sBuYBArBIx+WFtU\n"
    "WZME4zAKBggqhkjOPQQDAgNHADBEAiBus3eBqWgejHUvkV5TI+/Q1aZj60dFsXtU\n"
    "GIA3HGqtFQIgMtnqlsUU6jSUDRPwxa/fb1rHUNDB9MvCYTDpN5E976Q=\n"
    "-----END CERTIFICATE-----\n";
/// Its private key.
inline constexpr std::string_view k_key =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgHJUF1x4x4+k26GBk\n"
    "HdkIW+fZABq/eFCGKcPL+h9v7GahRANCAARMPelbLAH7TR6mF9C+EoPfv1lMims3\n"
    "jOakvf9Q64lcCJ92IYuzI5ZjbjA9gorQZ11HvxW1Upb2rWdo8oi1o9Qv\n"
    "-----END PRIVATE KEY-----\n";

}  // namespace vivim::node::test
