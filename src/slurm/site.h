// A site: how its Slurm names what Telltale asks for. Read from a site file; slurm/site.ini shows every key.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace telltale::slurm {

/// A kind of node: what Slurm is told to get one, and what should then be found on it. Empty: nothing is said.
struct NodeKind {
  std::string feature;    ///< its constraint
  std::string partition;  ///< these three override the site's
  std::string account;
  std::string qos;
  std::string microarchitecture;  ///< as `telltale probe` names it: compared with what came
};

enum class Launcher { mpirun, srun };

/// Nodes of several kinds are one job with counted constraints, or a job of several parts.
enum class Allocation { one, heterogeneous };

struct Site {
  std::string partition, account, qos;
  std::string time;  ///< of one start, as sbatch takes it
  Launcher launcher = Launcher::mpirun;
  Allocation allocation = Allocation::one;
  bool requeue = true;              ///< jobs may be queued again
  int successors = 1;               ///< jobs queued behind each study's own, in case that ends without having done all
  std::vector<std::string> sbatch;  ///< further options of sbatch, a word each
  std::map<std::string, NodeKind> kinds;

  /// Throws InputError, with file and line, for what cannot be used: an unknown key above all.
  static Site parse(const std::string& text, const std::string& name);
  static Site load(const std::string& path);

  /// The kind of that name. Throws InputError, naming those that there are.
  [[nodiscard]] const NodeKind& kind(const std::string& name) const;
};

/// So many nodes of a kind; without a kind any will do.
struct NodeCount {
  std::string kind;
  int count = 1;
};

/// "4"; "haswell:2, zen:2"; "zen" is one of them. Throws InputError.
std::vector<NodeCount> parse_nodes(const std::string& text);

}  // namespace telltale::slurm
