// The record of one evaluation, and what is kept beside it so that two of them can be compared.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/json.h"
#include "data/record.h"
#include "eval/judged.h"
#include "eval/protocol.h"

namespace beholder::eval {

struct ResultContext {
  std::string dataset, judge;       // names, as they stand on a leaderboard
  Json settings = Json::object();   // what the verdicts rest on
  Json cost = Json();               // tokens and seconds; null where no model was asked
  Json data = Json();               // what the readers of the data left out; null: not known
  std::int64_t bad_records = 0;     // lines of the data that could not be read
  std::int64_t unknown_scores = 0;  // scores of records that the data do not have
  std::int64_t bad_scores = 0;      // lines of scores that could not be read
  std::size_t errors = 24;          // worst ones listed
};

// {"protocol","value","interval","n","label_ties","predicted_ties","unparsed","missing", …} as docs/FORMATS.md lists it.
Json result_json(const std::vector<data::Record>& records, const JudgedSet& set, const Protocol& protocol, const Outcome& outcome,
                 const ResultContext& context);

// One line per prompt: {"prompt","value":[sum,n]}; the result's value is the sum of sums over the sum of n.
std::string rows_jsonl(const JudgedSet& set, const Outcome& outcome);

// A table for the terminal.
std::string result_text(const Json& result);

// Kept evaluations: FOLDER/result.json and FOLDER/rows.jsonl.
Json read_result(const std::string& folder);  // kNotFound, kCorrupt

// {"protocol","dataset","judges":[a,b],"values":[…],"difference","interval","n","prompts","better_in"}: B - A by a bootstrap that draws
// the same prompts for both; "better_in": share of the draws in which B is better. kInvalidInput for another protocol, other prompts or
// another n in a prompt.
Json compare_results(const std::string& folder_a, const std::string& folder_b);
std::string paired_text(const Json& comparison);

// "0.674 [0.655, 0.690]", "-" for null. `digits` after the point.
std::string metric_text(const Json& metric, int digits = 4);

}  // namespace beholder::eval
