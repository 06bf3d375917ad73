// Which model's media win, by the judge and by people: of pairs that say in their meta which models made them (GenAI-Bench, HPDv3,
// Pick-a-Pic, Rapidata, VideoAlign).
#pragma once

#include "core/json.h"
#include "data/record.h"
#include "eval/judged.h"

namespace beholder::eval {

// The models of media 1 and 2; empty where the meta does not name both.
ModelPair models_of(const data::Record& record);

// {"models": [name], "cells": [{"row","column","judge","people","n"}], "left_out"}: over the readable pairs of two different models, the
// judge's mean p (or how often its score is ahead) and people's mean share for the model of the row, 1-based. Models stand by the judge's
// mean share of all their pairs, best first; of more than `most` those with the most pairs, "left_out" says of how many more. Null for
// none.
Json model_wins(const JudgedSet& set, std::size_t most = 24);

}  // namespace beholder::eval
