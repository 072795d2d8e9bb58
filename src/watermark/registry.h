// Where a scheme or an attack says that it exists: one line here, one in registry.cpp.
#pragma once

#include "watermark/attack.h"
#include "watermark/scheme.h"

namespace telltale::watermark {

const Scheme& new_label_scheme();
const Scheme& noise_backdoor_scheme();
const Scheme& clean_scheme();

const Attack& no_attack();
const Attack& prune_attack();

}  // namespace telltale::watermark
