// What schemes and attacks have set in a case, as it stands in payloads.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "forensics/fingerprint.h"
#include "study/grid.h"
#include "watermark/attack.h"

namespace telltale::experiments {

/// A parameter's value in a case.
Json value_of(const Parameter& parameter, const study::CaseValues& values);

std::vector<std::string> names_of(const std::vector<Parameter>& parameters);

/// The settings of no attack at all.
Json untouched();

/// The axis along which an attack is tried several times.
inline constexpr const char* attempt_axis = "attempt";

/// The cases of an attack on networks of these cases: its own axes and its tries come behind theirs.
study::Grid attack_grid(const watermark::Attack& attack, const study::Grid& cases, const study::Job& job);

/// What is done at a point of such a grid: `name`, and a field for each of the attack's parameters but how often it is
/// tried, which try it is in its place; `parts`, of an attack that others are made of, with the last value of each of
/// their keys; untouched() where that changes nothing; none where it has no meaning.
std::optional<Json> attack_settings(const watermark::Attack& attack, const study::Job& job,
                                    const study::Grid::Point& point);

/// What fingerprints must cover of the trainings that belong to attacks on such a network.
void add_attack_subjects(std::vector<forensics::Subject>& subjects,
                         const std::vector<const watermark::Attack*>& attacks, const models::NetworkSpec& network,
                         const study::Job& job);

/// Whether a job switches an attack on.
bool is_on(const watermark::Attack& attack, const study::Job& job);

}  // namespace telltale::experiments
