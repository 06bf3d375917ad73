// Several data sets as one, in given proportions: "pickapic/ * 0.7 + own.jsonl * 0.3". One pass over the mixture has as many
// records as the sources together; a source whose share is more than it has comes round again, one whose share is less gives a
// part, drawn by the seed.
#pragma once

#include <string>
#include <vector>

#include "data/convert.h"

namespace beholder::data {

struct MixturePart {
  std::string path;  // with what stands in brackets behind it (data/data_part.h)
  double weight = 1;
};

// The parts of `text`: paths with spaced " + " between them, each with " * weight" or without (1). A text that is the name of a
// file or folder is that one part. kUsage for a weight that is not above 0, an empty path, or brackets that say nothing known.
std::vector<MixturePart> parse_mixture(const std::string& text);

// How many records each source gives: shares of the sum of `sizes`, rounded so that they add up to it.
std::vector<std::int64_t> mixture_counts(const std::vector<std::int64_t>& sizes, const std::vector<double>& weights);

// Writes the JSON lines of the mixture of JSON line files to `path`; records keep their ids, with "~2", "~3"… where an id comes again,
// in another round or from another source.
// {"records", "parts": [{"path", "weight", "records", "available"}]}. kInvalidInput for a source without a record.
Json write_mixture(const std::vector<MixturePart>& parts, const std::string& path, std::uint64_t seed);

// prepare_records for what may be a mixture: its parts are prepared in OUT/part-K, their mixture is OUT/records.jsonl. Any other
// path is prepared as it is.
std::string prepare_training_records(const ConvertOptions& options);

}  // namespace beholder::data
