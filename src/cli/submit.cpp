#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "cli/options.h"
#include "cli/requests.h"
#include "core/error.h"
#include "core/posix.h"
#include "core/text.h"
#include "slurm/starts.h"
#include "slurm/submission.h"
#include "study/records.h"

namespace telltale::cli {
namespace {

namespace fs = std::filesystem;

const std::string& script_text(const std::string& name) {
  for (const EmbeddedFile& file : slurm::scripts())
    if (file.name == name) return file.text;
  throw Error("there is no script " + name);
}

std::string text_of(const std::string& path) { return std::string(telltale::as_text(read_file(path))); }

// The script's own copy beside the results: to be read, and edited. One that is there already stays.
void provide_script(const std::string& path, const std::string& name) {
  if (fs::exists(path)) {
    if (text_of(path) != script_text(name)) std::cerr << "note: " << path << " was edited: it is used as it is\n";
    return;
  }
  write_file(path, as_bytes(script_text(name)));
}

slurm::Site site_of(const Options& options) {
  const char* variable = std::getenv("TELLTALE_SITE");
  const std::string path = options.value("site").value_or(variable == nullptr ? "" : variable);
  return path.empty() ? slurm::Site{} : slurm::Site::load(path);
}

// What is to be found on the nodes, as far as the site file says: "zen3:2,Haswell:2".
std::string expected_on(const slurm::Site& site, const std::vector<slurm::NodeCount>& nodes) {
  std::vector<std::string> expected;
  for (const slurm::NodeCount& one : nodes)
    if (!one.kind.empty() && !site.kind(one.kind).microarchitecture.empty())
      expected.push_back(fmt::format("{}:{}", site.kind(one.kind).microarchitecture, one.count));
  return joined(expected, ",");
}

slurm::Submission submission_of(const Options& options, const std::vector<slurm::NodeCount>& nodes) {
  slurm::Submission submission;
  submission.nodes = nodes;
  submission.time = options.value("time").value_or("");
  constexpr long long most_ranks = 100000;
  const long long ranks = options.whole_number("ranks-per-node", 1);
  if (ranks < 1 || ranks > most_ranks) throw InputError("--ranks-per-node: from 1 to 100000");
  submission.ranks_a_node = static_cast<int>(ranks);
  return submission;
}

std::string folder_of(const std::string& path) {
  const std::string folder = fs::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

void require_folder(const std::string& folder) {
  if (!fs::is_directory(folder))
    throw InputError("there is no folder " + folder + ": make it first, where all nodes see it");
}

int validate_site(const Options& options, const slurm::Site& site, const std::vector<slurm::NodeCount>& nodes) {
  const std::string folder = folder_of(*options.value("output"));
  require_folder(folder);
  slurm::Submission submission = submission_of(options, nodes);
  if (submission.time.empty()) submission.time = "5";
  submission.script = (fs::path(folder) / "telltale-validate.sbatch").string();
  submission.log = (fs::path(folder) / "telltale-validate.log").string();
  submission.name = "telltale-validate";
  submission.arguments = {folder};
  if (const std::string expected = expected_on(site, nodes); !expected.empty()) {
    submission.arguments.emplace_back("--expect");
    submission.arguments.push_back(expected);
  }
  slurm::Site once = site;
  once.requeue = false;
  std::vector<std::string> words = sbatch_words(once, submission);
  words.insert(words.begin() + 1, "--wait");
  if (options.value("dry-run")) {
    std::cout << slurm::as_typed(words) << "\n";
    return all_done;
  }
  provide_script(submission.script, "validate.sbatch");
  fs::remove(submission.log);
  std::cerr << "a job of at most " << submission.time << " minutes is submitted, and waited for\n";
  const CommandResult job = run_sbatch(site, words, std::chrono::hours(24));
  if (!fs::exists(submission.log)) {
    if (job.exit_code != 0) throw InputError("Slurm refuses: " + job.errors + job.output);
    throw InputError("the job has ended, and its log " + submission.log +
                     " is not here: the folder is not shared between the nodes and this machine");
  }
  std::cout << text_of(submission.log);
  return job.exit_code;
}

// The jobs behind a study's own, each for the case that the one before it has not done all.
std::vector<std::string> submit_chain(const slurm::Site& site, slurm::Submission submission) {
  std::vector<std::string> jobs;
  for (int i = 0; i <= site.successors; ++i) {
    if (!jobs.empty()) submission.dependencies = {"afternotok:" + jobs.back()};
    try {
      jobs.push_back(slurm::submit(site, submission));
    } catch (const Error& error) {
      if (jobs.empty()) throw;
      std::cerr << "note: no further job is queued behind " << jobs.back() << ": " << error.what() << "\n";
      break;
    }
  }
  return jobs;
}

std::string nodes_in_words(const std::vector<slurm::NodeCount>& nodes) {
  std::vector<std::string> words;
  for (const slurm::NodeCount& one : nodes)
    words.push_back(
        fmt::format("{} {}node{}", one.count, one.kind.empty() ? "" : one.kind + " ", one.count == 1 ? "" : "s"));
  return joined(words);
}

int submit_study(const Options& options, const slurm::Site& site, const std::vector<slurm::NodeCount>& nodes) {
  const study::StudyPaths paths{*options.value("output")};
  // What cannot be used is refused here, and not by a job that has waited for a day.
  static_cast<void>(study::Job::load(options.argument, options.keys));
  slurm::Submission submission = submission_of(options, nodes);
  submission.script = options.value("script").value_or(paths.script());
  submission.log = paths.log();
  submission.name = slurm::job_name(fs::path(paths.results).stem().string());
  submission.arguments = {options.argument, paths.results};
  for (const auto& [key, value] : options.keys) submission.arguments.push_back("--" + key + "=" + value);
  if (const std::string expected = expected_on(site, nodes); !expected.empty())
    submission.arguments.push_back("--expect=" + expected);

  slurm::Submission after;
  after.script = options.value("then").value_or("");
  after.arguments = {paths.results};
  after.log = paths.results + ".then.log";
  after.name = submission.name + "-then";
  const auto after_any_of = [](const std::vector<std::string>& jobs) {
    std::vector<std::string> words;
    for (const std::string& job : jobs) words.push_back("afterok:" + job);
    return joined(words, "?");
  };

  if (options.value("dry-run")) {
    const std::string variables = joined(variables_of_script(site), " ");
    std::cout << (variables.empty() ? "" : variables + " ") << slurm::as_typed(sbatch_words(site, submission)) << "\n";
    if (site.successors > 0)
      std::cout << "# and " << site.successors << " more, each with --dependency=afternotok: on the one before it\n";
    after.dependencies = {"afterok:JOB"};
    if (options.value("then")) std::cout << slurm::as_typed(sbatch_words(site, after)) << "\n";
    if (!options.value("script")) std::cout << "# " << submission.script << ":\n" << script_text("study.sbatch");
    return all_done;
  }
  require_folder(folder_of(paths.results));
  if (!options.value("script")) provide_script(submission.script, "study.sbatch");
  if (options.value("test-only")) {
    std::cout << slurm::test_only(site, submission) << "\n";
    return all_done;
  }
  // Slurm may queue for ever what it can never run; asked, it says so, but in the same words of nodes that are down.
  if (!options.value("queue-anyway")) {
    try {
      static_cast<void>(slurm::test_only(site, submission));
    } catch (const InputError& refusal) {
      throw InputError(std::string(refusal.what()) +
                       " (should it only be that nodes are down for now, --queue-anyway queues it)");
    }
  }
  const std::vector<std::string> jobs = submit_chain(site, submission);
  slurm::Starts(paths.starts()).note_submission(jobs);
  std::vector<std::string> all = jobs;
  if (options.value("then")) {
    after.dependencies = {after_any_of(jobs)};
    all.push_back(slurm::submit(site, after));
  }
  std::cout << "job " << jobs.front() << ": " << nodes_in_words(nodes) << "; its log is " << paths.log() << "\n";
  if (jobs.size() > 1)
    std::cout << "behind it, in case it ends without having done all: " << joined({jobs.begin() + 1, jobs.end()})
              << "\n";
  if (options.value("then")) std::cout << "job " << all.back() << ": " << after.script << ", once all is done\n";
  std::cout << "how it goes: telltale status " << slurm::as_typed({paths.results}) << "\nto cancel it: scancel "
            << joined(all, " ") << "\n";
  return all_done;
}

}  // namespace

int run_submit(const Arguments& arguments, char**) {
  const Shape shape{
      .command = "submit",
      .argument = "JOB",
      .argument_required = false,
      .own = {{"output,o", "the results file, x.h5, in a folder that all nodes share"},
              {"nodes", "how many, of any kind: 4; or of which kinds of the site file: haswell:2,zen3:2 [default 1]"},
              {"ranks-per-node", "[default 1]"},
              {"time", "of one start, as sbatch takes it [default: the site file's, else the partition's]"},
              {"site", "the site file (slurm/site.ini shows one) [default: the variable TELLTALE_SITE names it]"},
              {"script", "what each start runs, instead of slurm/study.sbatch"},
              {"then", "a batch script that follows once all is done; its argument is the results file"},
              {"dry-run", "shows what would be submitted", false},
              {"test-only", "asks Slurm when and where it would run", false},
              {"queue-anyway", "also what Slurm could not run as things are", false},
              {"validate", "without a job file: a job of five minutes looks at the site, and says what is missing",
               false}},
      .takes_keys = true};
  const Options options = parse(arguments, shape);
  if (options.help) {
    std::cout << help_text(shape);
    return all_done;
  }
  if (!options.value("output")) throw InputError("where shall the results go? add -o RESULTS.h5");
  const slurm::Site site = site_of(options);
  const auto nodes = slurm::parse_nodes(options.value("nodes").value_or("1"));
  if (options.value("validate")) return validate_site(options, site, nodes);
  if (options.argument.empty()) throw InputError("telltale submit needs a JOB (telltale submit --help)");
  return submit_study(options, site, nodes);
}

}  // namespace telltale::cli
