#include "app/command.h"
#include "core/heap.h"

int main(int argc, char** argv) {
  using namespace beholder::app;
  beholder::keep_freed_memory();
  std::vector<CommandPtr> commands;
  for (auto* make : {make_rank_command,
                     make_compare_command,
                     make_score_command,
                     make_eval_command,
                     make_eval_compare_command,
                     make_eval_leaderboard_command,
                     make_train_sft_command,
                     make_train_grpo_command,
                     make_train_checklist_command,
                     make_checklist_ask_command,
                     make_train_generator_command,
                     make_train_mpo_command,
                     make_generate_command,
                     make_checklist_score_command,
                     make_checklist_compare_command,
                     make_checklist_fit_command,
                     make_checklist_tree_command,
                     make_mpo_pairs_command,
                     make_data_inspect_command,
                     make_data_convert_command,
                     make_data_split_command,
                     make_world_make_command,
                     make_world_eval_command,
                     make_world_inspect_command,
                     make_experiment_command,
                     make_align_command,
                     make_report_command,
                     make_info_command,
                     make_tokenize_command,
                     make_trace_command,
                     make_world_questions_command,
                     make_bench_command})
    commands.push_back(make());
  return run_program(argc, argv, commands);
}
