// Every stage of a forward pass by name, to be compared with the reference implementation: the tensors that
// tools/peers/oracle.py writes, under the same names.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

#include "core/json.h"
#include "hf/tokenizer.h"
#include "media/preprocess.h"
#include "vlm/model.h"

namespace beholder::vlm {

struct TraceOptions {
  bool layers = false;               // also hidden_<l> and vision_block_<kind>_<b>
  std::int64_t max_new_tokens = 16;  // greedy continuation, where the case does not say
};

// A case: {"name", "messages": [{"role", "content": text | parts}], "max_new_tokens"?, "input_ids"?}; a part is {"type":"text","text"},
// {"type":"image","path"} or {"type":"video","frames":[paths],"fps"}; paths are relative to `root`. With "input_ids" (already
// expanded) the messages only bring the media. kInvalidInput names what is wrong with the case.
std::map<std::string, at::Tensor> trace_case(const Model& model, const hf::Tokenizer& tokenizer, const media::PatchConfig& patches,
                                             const Json& trace_case, const std::string& root, const TraceOptions& options = {});

}  // namespace beholder::vlm
