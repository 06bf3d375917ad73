#include "train/memory_advice.h"

#include "core/error.h"
#include "core/format.h"
#include "train/checkpoint.h"

namespace beholder::train {
namespace {

std::string advice(const RunConfig& c) {
  std::vector<std::string> ways;
  if (!c.gradient_checkpointing)
    ways.push_back("add --gradient-checkpointing: equal numbers, less memory, slower; the same run goes on with it");
  const std::int64_t half = c.per_device_train_batch_size / 2;
  if (half > 0 && c.batch_size() % half == 0)
    ways.push_back(format("--per-device-train-batch-size {} --gradient-accumulation-steps {} is the same batch in smaller parts", half,
                          c.batch_size() / half));
  if (!c.use_peft) ways.push_back("--use-peft trains an adapter and holds no optimiser state for the rest");
  ways.push_back("--bf16, smaller pictures (max_pixels in preprocessor_config.json) or shorter completions");
  return format("{}", fmt::join(ways, "; or "));
}

}  // namespace

void with_memory_advice(const RunConfig& config, const std::function<void()>& train) {
  try {
    train();
  } catch (const std::exception& error) {
    if (!is_out_of_memory(error)) throw;
    const std::vector<std::int64_t> steps = checkpoint_steps(config.output_dir);
    throw Error(Code::kResource, config.output_dir,
                format("out of memory with {} examples in a forward pass; {}", config.per_device_train_batch_size,
                       steps.empty() ? "there is no checkpoint yet" : format("the checkpoint of step {} is kept", steps.back())),
                advice(config));
  }
}

}  // namespace beholder::train
