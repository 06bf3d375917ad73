// Flags that the `data` commands share.
#pragma once

#include <string>

#include "core/config.h"
#include "data/dataset.h"
#include "data/media_check.h"

namespace beholder::app {

struct DataFlags {
  std::string format, split, media_root, aspect, check = "full";
  std::int64_t seed = 0, threads = 2;

  void fields(FieldList& f);
  data::DatasetOptions dataset() const;
  data::CheckOptions check_options() const;

  // What all of these commands' options have in common; the path is the one operand. kUsage where there is none or more.
  template <class Options>
  void apply(Options& options, const std::string& command, const std::vector<std::string>& operands) const {
    options.path = one_path(command, operands);
    options.dataset = dataset();
    options.check = check_options();
    options.seed = static_cast<std::uint64_t>(seed);
  }

 private:
  static std::string one_path(const std::string& command, const std::vector<std::string>& operands);
};

// "name  about" of every format that is known, for --help.
std::string format_help();

}  // namespace beholder::app
