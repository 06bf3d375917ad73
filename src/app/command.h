// A command of the program and the frame that runs it. A command declares its flags once (core/config.h); the frame gives
// it --help, --config file.toml, --json, --quiet, errors with exit codes, and Ctrl-C.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/config.h"

namespace beholder::app {

class Command {
 public:
  virtual ~Command() = default;
  virtual std::string name() const = 0;                // "rank", "train sft"
  virtual std::string summary() const = 0;             // one line for the list of commands
  virtual std::string examples() const = 0;            // shown at the foot of --help
  virtual std::string operands() const { return {}; }  // "IMAGE…": what stands after the flags; empty: nothing may
  virtual void fields(FieldList& fields) = 0;
  // Returns the exit status; throws Error. `set` names the fields that flags or the config file gave.
  virtual int run(const std::vector<std::string>& operands) = 0;

  bool json = false;  // --json: machine-readable output on stdout
};

using CommandPtr = std::unique_ptr<Command>;

// Parses the command line, runs the command, turns errors into messages and exit codes.
int run_program(int argc, char** argv, const std::vector<CommandPtr>& commands);

// The folder of a shipped checkpoint ("embedded": the judge; "checklist": its sibling that answers yes and no): $BEHOLDER_MODELS/NAME, or
// models/NAME beside the program's source or install folder. kNotFound says where it looked.
std::string embedded_model_dir(const std::string& name = "embedded");
// What --model says: nothing means the shipped `otherwise`; "embedded", "cold-start" and "checklist" the shipped ones, wherever the program
// is run, unless a folder here has that name; all else stays.
std::string named_model(const std::string& model, const std::string& otherwise = "embedded");

// One per cmd_*.cc.
CommandPtr make_align_command();
CommandPtr make_bench_command();
CommandPtr make_checklist_ask_command();
CommandPtr make_checklist_compare_command();
CommandPtr make_checklist_fit_command();
CommandPtr make_checklist_score_command();
CommandPtr make_checklist_tree_command();
CommandPtr make_compare_command();
CommandPtr make_data_convert_command();
CommandPtr make_data_inspect_command();
CommandPtr make_data_split_command();
CommandPtr make_eval_command();
CommandPtr make_eval_compare_command();
CommandPtr make_eval_leaderboard_command();
CommandPtr make_experiment_command();
CommandPtr make_generate_command();
CommandPtr make_info_command();
CommandPtr make_mpo_pairs_command();
CommandPtr make_rank_command();
CommandPtr make_report_command();
CommandPtr make_score_command();
CommandPtr make_tokenize_command();
CommandPtr make_trace_command();
CommandPtr make_train_checklist_command();
CommandPtr make_train_generator_command();
CommandPtr make_train_grpo_command();
CommandPtr make_train_mpo_command();
CommandPtr make_train_sft_command();
CommandPtr make_world_eval_command();
CommandPtr make_world_inspect_command();
CommandPtr make_world_make_command();
CommandPtr make_world_questions_command();

}  // namespace beholder::app
