// What an alignment starts from: the prompts, drawn or read, and copies of the files that decide its numbers.
#pragma once

#include "checklist/checklist.h"
#include "eval/align_plan.h"
#include "eval/align_recipe.h"

namespace beholder::app {

// Looks at all that the recipe names before anything is run: the generator, the checklist models, the prompts; `list` must ask about what
// the generator makes. With `write` the files of OUTPUT_DIR/inputs are written, or compared with what is there (kUsage where it differs).
// Training prompts of every seed are others than the evaluation's, which are left out of them.
eval::AlignInputs prepare_align_inputs(const eval::AlignRecipe& recipe, const checklist::Checklist& list, bool write);

}  // namespace beholder::app
