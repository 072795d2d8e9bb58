// Where schemes and attacks say that they exist: a scheme by a line in schemes/schemes.def, an attack by one in
// attacks/attacks.def.
#pragma once

#include "watermark/attack.h"
#include "watermark/scheme.h"

namespace telltale::watermark {

#define TELLTALE_SCHEME(name) const Scheme& name##_scheme();
#include "watermark/schemes/schemes.def"
#undef TELLTALE_SCHEME

#define TELLTALE_ATTACK(name)    \
  const Attack& name##_attack(); \
  std::unique_ptr<Service> apply_##name(const AttackInputs& inputs);
#include "watermark/attacks/attacks.def"
#undef TELLTALE_ATTACK

}  // namespace telltale::watermark
