// Ctrl-C and SIGTERM: the first asks for a clean stop at the next safe point, the second ends the program at once.
#pragma once

#include <string_view>

namespace beholder {
void install_interrupt_handler();
bool interrupted();
// Throws kInterrupted, saying how to go on, when a stop was asked for.
void check_interrupt(std::string_view how_to_resume);
// Tests only: as if Ctrl-C had been pressed (true), or never (false).
void set_interrupted(bool value);
}  // namespace beholder
