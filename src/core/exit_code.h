// How programs here end.
#pragma once

namespace telltale {

/// Exit codes of every command.
enum ExitCode { all_done = 0, some_failed = 1, unusable_input = 2, stopped_early = 3, taken_over = 4 };

}  // namespace telltale
