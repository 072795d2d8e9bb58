// Which data a job asks for.
#pragma once

#include <string>

#include "data/dataset.h"
#include "study/job.h"

namespace telltale::study {

/// What its networks are trained and tested on.
data::DatasetRequest data_request(const Job& job);

/// A whole data set that it uses besides, found where the job says.
data::DatasetRequest other_data_request(const Job& job, const std::string& name);

}  // namespace telltale::study
