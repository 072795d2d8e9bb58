// What schemes and attacks have set in a case, as it stands in payloads.
#pragma once

#include <string>
#include <vector>

#include "study/grid.h"
#include "watermark/attack.h"

namespace telltale::experiments {

/// A parameter's value in a case.
Json value_of(const Parameter& parameter, const study::CaseValues& values);

std::vector<std::string> names_of(const std::vector<Parameter>& parameters);

/// `name`, and a field for each of the attack's parameters.
Json attack_settings(const watermark::Attack& attack, const study::CaseValues& values);

/// Whether a job switches an attack on.
bool is_on(const watermark::Attack& attack, const study::Job& job);

}  // namespace telltale::experiments
