#include <cstdlib>

#include "app/command.h"
#include "core/heap.h"

namespace {

// libgomp reads its environment when it is loaded, before main. Spinning threads turn a 1 ms kernel into 12 ms on a shared
// machine, so the default is set earlier than any library's constructor runs, unless the user chose one.
void set_openmp_defaults(int, char**, char**) {
  ::setenv("GOMP_SPINCOUNT", "1000", 0);
}
__attribute__((section(".preinit_array"), used)) void (*const g_preinit)(int, char**, char**) = set_openmp_defaults;

}  // namespace

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
                     make_trace_command})
    commands.push_back(make());
  return run_program(argc, argv, commands);
}
