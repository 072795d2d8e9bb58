#include "core/confinement.h"

#include <sched.h>
#include <seccomp.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>

#include "core/error.h"

namespace telltale {
namespace {

// Those that this system does not have are passed over.
constexpr std::array refused{
    // Files.
    "open", "openat", "openat2", "creat", "open_by_handle_at", "truncate", "mkdir", "mkdirat", "rmdir", "unlink",
    "unlinkat", "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat", "mknod", "mknodat",
    "chmod", "fchmodat", "fchmodat2", "chown", "lchown", "fchownat", "utimensat", "mount", "umount2", "pivot_root",
    "chroot", "memfd_create", "io_uring_setup",
    // The network, and other processes.
    "socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "sendto", "sendmsg", "sendmmsg", "kill",
    "tkill", "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_open", "pidfd_getfd", "pidfd_send_signal",
    // Programs.
    "execve", "execveat", "fork", "vfork", "unshare", "setns", "bpf", "keyctl", "add_key", "request_key"};

std::uint64_t address_space_bytes() {
  std::uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

void limit(int resource, std::uint64_t most, const char* what) {
  const rlimit both{most, most};
  if (setrlimit(static_cast<__rlimit_resource_t>(resource), &both) != 0)
    throw Error(std::string("cannot limit ") + what + ": " + std::strerror(errno));
}

}  // namespace

void confine(std::uint64_t memory_bytes) {
  limit(RLIMIT_CORE, 0, "core dumps");
  limit(RLIMIT_AS, address_space_bytes() + memory_bytes, "memory");
  const std::unique_ptr<void, decltype(&seccomp_release)> filter(seccomp_init(SCMP_ACT_ALLOW), seccomp_release);
  int problem = filter ? 0 : -ENOMEM;
  const auto add = [&](std::uint32_t action, int call, auto... conditions) {
    if (problem == 0 && call != __NR_SCMP_ERROR)
      problem =
          seccomp_rule_add(filter.get(), action, call, static_cast<unsigned>(sizeof...(conditions)), conditions...);
  };
  for (const char* name : refused) add(SCMP_ACT_ERRNO(EACCES), seccomp_syscall_resolve_name(name));
  // Threads may be started. Where clone3 is not there, clone is taken, the flags of which can be looked at.
  add(SCMP_ACT_ERRNO(ENOSYS), seccomp_syscall_resolve_name("clone3"));
  add(SCMP_ACT_ERRNO(EACCES), SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
  if (problem == 0) problem = seccomp_load(filter.get());
  if (problem != 0)
    throw Error(std::string("this system cannot confine a process (seccomp): ") + std::strerror(-problem));
}

}  // namespace telltale
