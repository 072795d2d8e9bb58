// The names of what a fingerprint distinguishes.
#pragma once

namespace telltale::forensics {

inline constexpr const char* forward_one = "forward, one image";
inline constexpr const char* forward_evaluation = "forward, evaluation batch";
inline constexpr const char* forward_training = "forward, training batch";
inline constexpr const char* input_gradient = "input gradient";
inline constexpr const char* weight_gradients = "weight gradients";
inline constexpr const char* optimizer_step = "optimizer step";

}  // namespace telltale::forensics
