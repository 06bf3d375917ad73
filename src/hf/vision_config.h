// The vision_config object of config.json. Internal to this room.
#pragma once

#include "hf/config.h"
#include "hf/config_reader.h"

namespace beholder::hf {

// kUnsupported or kCorrupt, as parse_model_config.
VisionConfig parse_vision_config(const ConfigReader& reader, Family family);

}  // namespace beholder::hf
