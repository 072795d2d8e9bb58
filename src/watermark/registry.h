// Where schemes and attacks say that they exist: a scheme by a line here and one in registry.cpp, an attack by one in
// attacks.def.
#pragma once

#include "watermark/attack.h"
#include "watermark/scheme.h"

namespace telltale::watermark {

const Scheme& new_label_scheme();
const Scheme& noise_backdoor_scheme();
const Scheme& clean_scheme();

#define TELLTALE_ATTACK(name)    \
  const Attack& name##_attack(); \
  std::unique_ptr<Service> apply_##name(const AttackInputs& inputs);
#include "watermark/attacks.def"
#undef TELLTALE_ATTACK

}  // namespace telltale::watermark
