#include "study/data_request.h"

namespace telltale::study {

data::DatasetRequest other_data_request(const Job& job, const std::string& name) {
  data::DatasetRequest request;
  request.name = name;
  request.directories = data::directories_of(job.text("data-dir"));
  request.official = job.flag("official") && !data::describe(name).generated;
  request.seed = static_cast<std::uint64_t>(job.integer("data-seed"));
  return request;
}

data::DatasetRequest data_request(const Job& job) {
  data::DatasetRequest request = other_data_request(job, job.text("dataset"));
  const bool generated = data::describe(request.name).generated;
  if (const auto count = job.integer("train-images"); count > 0)
    (generated ? request.generated_train : request.train_limit) = count;
  if (const auto count = job.integer("test-images"); count > 0)
    (generated ? request.generated_test : request.test_limit) = count;
  request.official = job.flag("official");
  return request;
}

}  // namespace telltale::study
