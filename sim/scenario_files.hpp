#pragma once

#include <map>
#include <string>
#include <string_view>

namespace vivim::sim {

/// The texts of sim/scenarios, by name: made when the program is built.
std::map<std::string, std::string_view, std::less<>> scenario_files();

}  // namespace vivim::sim
