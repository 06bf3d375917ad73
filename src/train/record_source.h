// Supervised examples from the user's own records (data/record.h) that have a "completion": every record once per epoch, in an
// order that is a pure function of (seed, epoch).
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "data/record.h"
#include "judge/medium_store.h"
#include "train/epoch_order.h"
#include "train/sft_source.h"

namespace beholder::train {

struct RecordSourceOptions {
  std::string path;                                   // JSONL; media paths are relative to its folder
  judge::AnswerKind kind = judge::AnswerKind::kSoft;  // the question asked
  std::int64_t batch_size = 1;                        // examples of one update
  std::uint64_t seed = 0;
  bool shuffle = true;  // false: file order, and the same batch for every step (validation)
};

class RecordSource : public SftSource {
 public:
  // Reads the records; lines that cannot be used are warned of and counted. kInvalidInput when none is left. `spec` must outlive this.
  RecordSource(const RecordSourceOptions& options, const judge::JudgeSpec& spec);

  // A record whose media cannot be read comes back with its `problem`.
  SftExample example(std::int64_t step, std::int64_t index) const override;
  std::int64_t epoch_examples() const override { return static_cast<std::int64_t>(records_.size()); }

 private:
  const data::Record& record(std::int64_t step, std::int64_t index) const;
  void read();

  RecordSourceOptions options_;
  const judge::JudgeSpec& spec_;
  std::vector<data::Record> records_;
  EpochOrder order_;
  mutable std::mutex mutex_;  // guards the media
  mutable judge::MediumStore media_;
};

}  // namespace beholder::train
