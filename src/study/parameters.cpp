#include "study/parameters.h"

#include <algorithm>
#include <numeric>

namespace telltale::study {
namespace {

std::string plain(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string normalised(std::string_view key) {
  std::string text(key);
  std::replace(text.begin(), text.end(), '_', '-');
  return text;
}

std::vector<Parameter> make_table() {
  using enum ValueType;
  using enum AxisRule;
  const auto operational = [](Parameter p) {
    p.role = Role::operational;
    return p;
  };
  const double big = 1e9;
  std::vector<Parameter> table{
      // The study
      {.key = "experiment",
       .type = choice,
       .fallback = "new-label",
       .help = "what is studied: new-label (Zhong et al. 2020: train, query, prune, predict), compare (the same models "
               "and images predicted on every environment: Schloegl et al. 2023), boundary (inputs whose label "
               "betrays the machine: Schloegl et al. 2021), or empty (tasks that do nothing, to measure the machinery)",
       .choices = {"new-label", "compare", "boundary", "empty"}},
      {.key = "title", .type = text, .fallback = "", .help = "one line for the report", .optional = true},
      {.key = "seed",
       .type = integer,
       .fallback = "1",
       .help = "the study's seed: every random stream is keyed by it",
       .most = big},
      {.key = "repeats",
       .type = integer,
       .fallback = "1",
       .help = "how often every point of the axes is run, each with "
               "streams of its own",
       .least = 1,
       .most = 100000},

      // Data
      {.key = "dataset",
       .type = choice,
       .fallback = "glyphs",
       .help = "mnist, fashion-mnist, cifar-10 and cifar-100 are "
               "read from --data-dir; glyphs (1x28x28) and tiles (3x32x32) are generated",
       .choices = {"mnist", "fashion-mnist", "cifar-10", "cifar-100", "glyphs", "tiles"}},
      {.key = "train-images",
       .type = integer,
       .fallback = "0",
       .help = "how many training images, from the first on; 0: "
               "all of them",
       .most = big},
      {.key = "test-images",
       .type = integer,
       .fallback = "0",
       .help = "how many test images, from the first on; 0: all",
       .most = big},
      {.key = "data-seed", .type = integer, .fallback = "1", .help = "seed of the generated data sets", .most = big},
      {.key = "official", .type = flag, .fallback = "no", .help = "refuse data files without the published checksums"},

      // Network and training
      {.key = "network",
       .type = text,
       .fallback = "dnn-1",
       .help = "dnn-1 or dnn-2 (Zhong et al. 2020, Sec. 4.1); resnet-20 or resnet-32 (He et al. 2016, Sec. 4.2)",
       .axis = allowed},
      {.key = "shortcut",
       .type = choice,
       .fallback = "conv",
       .help =
           "of the residual networks only: past a block that changes the shape goes a 1 x 1 convolution (conv), one "
           "with batch norm (conv-norm), or every second pixel padded with zeros (pad)",
       .axis = allowed,
       .choices = {"conv", "conv-norm", "pad"}},
      {.key = "pool",
       .type = choice,
       .fallback = "global",
       .help = "of the residual networks only: the last average is over the whole map (global), or over windows of "
               "7 x 7, which on 8 x 8 maps drop a row and a column (window)",
       .axis = allowed,
       .choices = {"global", "window"}},
      {.key = "optimizer",
       .type = choice,
       .fallback = "sgd",
       .help = "how weights are updated",
       .axis = allowed,
       .choices = {"sgd", "adam"}},
      {.key = "learning-rate",
       .type = number,
       .fallback = "0.01",
       .help = "step size at the start",
       .axis = allowed,
       .least = 1e-12,
       .most = 1000},
      {.key = "momentum", .type = number, .fallback = "0", .help = "of SGD", .axis = allowed, .most = 0.9999},
      {.key = "weight-decay", .type = number, .fallback = "0", .help = "L2 penalty", .axis = allowed, .most = 10},
      {.key = "batch",
       .type = integer,
       .fallback = "128",
       .help = "images a step",
       .axis = allowed,
       .least = 1,
       .most = 65536},
      {.key = "epochs",
       .type = integer,
       .fallback = "50",
       .help = "passes over the training data",
       .axis = allowed,
       .least = 1,
       .most = 100000},
      {.key = "lr-milestones",
       .type = integer,
       .fallback = "",
       .help = "epochs after which the learning rate is "
               "multiplied by lr-gamma",
       .least = 1,
       .most = 100000,
       .optional = true,
       .list = true},
      {.key = "lr-gamma",
       .type = number,
       .fallback = "0.1",
       .help = "factor of the step schedule",
       .least = 1e-9,
       .most = 1},
      {.key = "augment",
       .type = choice,
       .fallback = "none",
       .help = "augmentation of the training images: crop-flip is a "
               "random crop after padding by 4 and a horizontal flip",
       .axis = allowed,
       .choices = {"none", "crop-flip"}},
      {.key = "train-on",
       .type = text,
       .fallback = "best",
       .help = "the environment that trains and queries: a profile; "
               "best: the best profile known for the CPU of the first start, kept on every resume; spread: one of the "
               "present "
               "environments by the case's identity; any: whichever rank is free (fast, not reproducible)"},

      // Watermark
      {.key = "scheme",
       .type = choice,
       .fallback = "new-label, noise-backdoor, clean",
       .help = "new-label (Zhong et al. "
               "2020), its rival noise-backdoor (Zhang et al. 2018), and the network without a watermark",
       .axis = always,
       .choices = {"new-label", "noise-backdoor", "clean"}},
      {.key = "reading",
       .type = choice,
       .fallback = "amplitude",
       .help = "what beta scales: the noise's amplitude "
               "(k = x + beta eps) or its variance (k = x + sqrt(beta) eps)",
       .axis = always,
       .choices = {"amplitude", "variance"}},
      {.key = "alpha",
       .type = number,
       .fallback = "0.01",
       .help = "share of the training images made key samples",
       .axis = always,
       .least = 1e-9,
       .most = 1},
      {.key = "beta",
       .type = number,
       .fallback = "0.01",
       .help = "strength of the key samples' noise, on [0,1] pixels",
       .axis = always,
       .least = 0,
       .most = 1000},
      {.key = "target",
       .type = integer,
       .fallback = "0",
       .help = "the existing class that the rival labels its key samples",
       .most = 254},
      {.key = "clip",
       .type = flag,
       .fallback = "no",
       .help = "keep key samples, and boundary samples, in [0,1] (the papers' formulas do not)"},
      {.key = "key-noise",
       .type = choice,
       .fallback = "fixed",
       .help = "one noise pattern for all key samples of a secret, "
               "or a fresh one for each",
       .choices = {"fixed", "fresh"}},
      {.key = "key-images",
       .type = integer,
       .fallback = "0",
       .help = "from how many images each query set is made (of "
               "trained, new and wrong-secret key samples), the first that may be marked; 0: from all",
       .most = big},

      // Attacks and predictions
      {.key = "prune-scope",
       .type = choice,
       .fallback = "global",
       .help = "the smallest weights of the whole network, or of "
               "each tensor",
       .axis = always,
       .choices = {"global", "per-tensor"}},
      {.key = "prune-rate",
       .type = number,
       .fallback = "",
       .help = "shares of the weights set to zero in every trained "
               "model; empty: no pruning",
       .axis = always,
       .most = 0.9999,
       .optional = true},
      {.key = "predict-images",
       .type = integer,
       .fallback = "0",
       .help = "how many test images the first watermarked model (of experiment compare: every model) predicts on "
               "every environment present; 0: none, which compare refuses",
       .most = big},
      {.key = "predict-batch",
       .type = integer,
       .fallback = "1",
       .help = "batch sizes of these predictions: they change bits",
       .axis = always,
       .least = 1,
       .most = 65536},
      {.key = "threads",
       .type = integer,
       .fallback = "1",
       .help = "of experiment compare: threads a prediction is computed with: they change bits",
       .axis = always,
       .least = 1,
       .most = 64},
      {.key = "precision",
       .type = choice,
       .fallback = "float32",
       .help = "of experiment compare: what weights, images and every layer are computed in",
       .axis = always,
       .choices = {"float32", "float64", "bfloat16"}},
      {.key = "eval-batch",
       .type = integer,
       .fallback = "250",
       .help = "batch size of every accuracy measurement",
       .least = 1,
       .most = 65536},

      // Boundary samples
      {.key = "search",
       .type = choice,
       .fallback = "telltale",
       .help = "how boundary samples are searched: paper (the text of Schloegl et al. 2021), code (what its authors' "
               "program did), telltale (ours)",
       .axis = always,
       .choices = {"paper", "code", "telltale"}},
      {.key = "versus",
       .type = text,
       .fallback = "all",
       .help =
           "the machines of a search: all that are present (1 vs n), or the local one and a named one (1 vs 1); each: "
           "one after the other",
       .axis = always},
      {.key = "target-machine",
       .type = text,
       .fallback = "any",
       .help = "the machine that a telltale search shall single out: any, a named one, or each of them",
       .axis = always},
      {.key = "grid",
       .type = choice,
       .fallback = "float",
       .help =
           "the values of a sample: any floats, or 8-bit, the multiples of 1/255 that survive a PNG (telltale only)",
       .axis = always,
       .choices = {"float", "8-bit"}},
      {.key = "images",
       .type = integer,
       .fallback = "40",
       .help = "how many test images are searched from, one attempt each",
       .least = 1,
       .most = big},
      {.key = "published-images",
       .type = integer,
       .fallback = "0",
       .help = "how many of these paper and code search from, which take longer; 0: all",
       .most = big},
      {.key = "first-image", .type = integer, .fallback = "0", .help = "the number of the first of them", .most = big},
      {.key = "local",
       .type = text,
       .fallback = "",
       .help = "the machine that approaches the boundary alone; default: the one that trains",
       .optional = true},
      {.key = "search-batch",
       .type = integer,
       .fallback = "1",
       .help = "copies of a point in one prediction of a search, for services that predict in batches: it changes bits",
       .least = 1,
       .most = 65536},
      {.key = "local-limit",
       .type = integer,
       .fallback = "2000",
       .help = "steps of the local phase of paper and code",
       .least = 1,
       .most = big},
      {.key = "remote-limit",
       .type = integer,
       .fallback = "500",
       .help = "steps of their remote phase",
       .least = 1,
       .most = big},
      {.key = "evaluation-limit",
       .type = integer,
       .fallback = "4000",
       .help = "forward and backward passes that an attempt of telltale may take",
       .least = 1,
       .most = big},
      {.key = "psnr-floor",
       .type = number,
       .fallback = "0",
       .help = "dB: samples below it are no success; 0: none",
       .most = 1000},
      {.key = "steps", .type = flag, .fallback = "no", .help = "keep every step of every search (group steps)"},

      // The experiment `empty`
      {.key = "tasks",
       .type = integer,
       .fallback = "1000",
       .help = "of experiment empty: how many tasks",
       .least = 1,
       .most = big},
      {.key = "task-seconds",
       .type = number,
       .fallback = "0",
       .help = "of experiment empty: how long each task sleeps",
       .most = 86400},

      // How it runs: may differ at every start
      operational({.key = "data-dir",
                   .type = text,
                   .fallback = "",
                   .help = "where the data sets are; several folders "
                           "separated by colons; default: the environment variable TELLTALE_DATA",
                   .optional = true}),
      operational({.key = "profiles",
                   .type = text,
                   .fallback = "best",
                   .help = "profiles of the worker ranks, in their "
                           "order and round again; best:2 stands for two of them, others:3 for three more that this "
                           "CPU can run; native: "
                           "what the libraries choose",
                   .list = true}),
      operational({.key = "artifacts",
                   .type = text,
                   .fallback = "",
                   .help = "folder of trained models and checkpoints, "
                           "shared by job files; default: `artifacts` beside the results file",
                   .optional = true}),
      operational({.key = "coordinator-works",
                   .type = flag,
                   .fallback = "no",
                   .help = "let rank 0 compute too (a run of "
                           "one process always does)"}),
      operational({.key = "searches-in-flight",
                   .type = integer,
                   .fallback = "8",
                   .help = "boundary searches at once on a rank: while some wait for other machines' answers, "
                           "others go on",
                   .least = 1,
                   .most = 128}),
      operational({.key = "task-time-limit",
                   .type = number,
                   .fallback = "0",
                   .help = "seconds a task may take; 0: no limit",
                   .most = 1e8}),
      operational({.key = "time-limit",
                   .type = number,
                   .fallback = "0",
                   .help = "seconds this start may take: then it "
                           "commits, stops and can be resumed; 0: until Slurm's end of the job, else none",
                   .most = 1e8}),
      operational({.key = "retries",
                   .type = integer,
                   .fallback = "1",
                   .help = "how often a task that failed is tried again",
                   .most = 100}),
      operational({.key = "checkpoint-interval",
                   .type = number,
                   .fallback = "120",
                   .help = "seconds between checkpoints of "
                           "a training",
                   .least = 0,
                   .most = 1e8}),
      operational({.key = "publish-interval",
                   .type = number,
                   .fallback = "60",
                   .help = "seconds between partial results "
                           "files while the study runs; 0: only at the end",
                   .most = 1e8}),
      operational(
          {.key = "durable", .type = flag, .fallback = "yes", .help = "force every commit to the disk (fsync)"}),
  };
  return table;
}

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = above;
    }
  }
  return row.back();
}

}  // namespace

std::string Parameter::type_text() const {
  std::string text;
  switch (type) {
    case ValueType::text: text = "text"; break;
    case ValueType::flag: text = "yes or no"; break;
    case ValueType::choice:
      text = "one of ";
      for (std::size_t i = 0; i < choices.size(); ++i) text += (i ? ", " : "") + choices[i];
      break;
    case ValueType::integer: text = "integer, " + plain(least) + " to " + plain(most); break;
    case ValueType::number:
      text = "number, " + (least > 0 && least < 1e-5 ? std::string("above 0") : plain(least)) + " to " + plain(most);
      break;
  }
  if (axis != AxisRule::never || list) text += "; a list";
  return text;
}

std::string Parameter::dimension() const {
  if (key == "prune-rate") return "pruning_rate";
  if (key == "target-machine") return "target";
  std::string text = key;
  std::replace(text.begin(), text.end(), '-', '_');
  return text;
}

const std::vector<Parameter>& parameters() {
  static const std::vector<Parameter> table = make_table();
  return table;
}

std::string reference() {
  std::string text;
  for (const Role role : {Role::scientific, Role::operational}) {
    text += role == Role::scientific ? "## Keys that decide results\n\n" : "\n## Keys of how it runs\n\n";
    text += "| key | values | default | axis | meaning |\n| --- | --- | --- | --- | --- |\n";
    for (const Parameter& parameter : parameters()) {
      if (parameter.role != role) continue;
      const char* axis = parameter.axis == AxisRule::always    ? "always"
                         : parameter.axis == AxisRule::allowed ? "with several values"
                                                               : "";
      text += "| `" + parameter.key + "` | " + parameter.type_text() + " | " +
              (parameter.fallback.empty() ? "" : "`" + parameter.fallback + "`") + " | " + axis + " | " +
              parameter.help + " |\n";
    }
  }
  return text;
}

const Parameter* find_parameter(std::string_view key) {
  const std::string wanted = normalised(key);
  for (const Parameter& parameter : parameters())
    if (parameter.key == wanted) return &parameter;
  return nullptr;
}

std::optional<std::string> similar_key(std::string_view key) {
  const std::string wanted = normalised(key);
  const auto best = std::min_element(
      parameters().begin(), parameters().end(),
      [&](const Parameter& a, const Parameter& b) { return distance(a.key, wanted) < distance(b.key, wanted); });
  if (distance(best->key, wanted) > std::max<std::size_t>(2, wanted.size() / 3)) return std::nullopt;
  return best->key;
}

}  // namespace telltale::study
