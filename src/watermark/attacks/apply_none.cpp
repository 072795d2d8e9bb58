#include "watermark/registry.h"
#include "watermark/service.h"

namespace telltale::watermark {

std::unique_ptr<Service> apply_none(const AttackInputs& inputs) { return serve(inputs.model); }

}  // namespace telltale::watermark
