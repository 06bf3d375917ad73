// Which process of how many this one is, as its launcher says in the environment:
//   torchrun, Kubernetes (PyTorchJob), by hand   RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT, LOCAL_RANK
//   Slurm (srun)                                 SLURM_PROCID, SLURM_STEP_NUM_TASKS, SLURM_LOCALID, SLURM_STEP_NODELIST; MASTER_ADDR and
//                                                MASTER_PORT go first
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/error.h"
#include "dist/process_group.h"

namespace beholder::dist {

struct Place {
  int rank = 0, size = 1, local_rank = 0;
  std::string address;          // of rank 0
  int port = 0;                 // there
  bool store_is_there = false;  // the launcher keeps the store itself (torchrun)
  std::string run = {};         // tells one start of a job from the next
};

using Environment = std::function<const char*(const char*)>;  // std::getenv

// Size 1 where nothing is said. kUsage, naming the variable, where it is said half or wrong.
Place find_place(const Environment& environment);

// `device` as this process is to use it: "cuda" is the GPU of its local rank, of the `visible` ones (a launcher may show each process only
// its own); everything else stays as it is.
std::string device_of(const std::string& device, int local_rank, int visible);

// The group of this place; joining and every collective end after `timeout_s`. kResource, naming the ranks that did not come.
// `on_fault` is called, from another thread, when a rank was lost and this one has not ended by itself some seconds later.
std::unique_ptr<ProcessGroup> join(const Place& place, double timeout_s, const std::function<void(const std::string& fault)>& on_fault);
// kResource: what a collective throws when a rank is lost.
Error lost_rank(int rank, int size, const std::string& fault);

// For commands that run in one process: kUsage where a launcher started several.
void require_alone(const std::string& command);

// "a[01-03,07],b" -> "a01".
std::string first_host(const std::string& node_list);

}  // namespace beholder::dist
