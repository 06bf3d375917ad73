#include "dist/launch.h"

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "core/error.h"
#include "core/format.h"

namespace beholder::dist {
namespace {

constexpr int kPort = 29500;

std::optional<int> number(const Environment& environment, const char* name) {
  const char* text = environment(name);
  if (!text || !*text) return std::nullopt;
  int value = 0;
  const char* end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, value);
  if (error != std::errc{} || stop != end || value < 0)
    throw Error(Code::kUsage, name, format("is \"{}\", not a number", text), "the launcher sets it; unset it to run in one process");
  return value;
}

std::string text(const Environment& environment, const char* name, const std::string& otherwise = {}) {
  const char* value = environment(name);
  return value && *value ? value : otherwise;
}

int need(const Environment& environment, const char* name, const char* beside) {
  const std::optional<int> value = number(environment, name);
  if (!value)
    throw Error(Code::kUsage, name, format("is not set, and {} is", beside),
                "start every process through torchrun or srun, or set RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT for each");
  return *value;
}

Place checked(Place place) {
  if (place.rank >= place.size)
    throw Error(Code::kUsage, "RANK", format("is {} of {} processes", place.rank, place.size), "ranks count from 0");
  if (place.size > 1 && place.address.empty())
    throw Error(Code::kUsage, "MASTER_ADDR", "is not set", "give the name or address of rank 0's machine");
  if (place.port < 1 || place.port > 65535) throw Error(Code::kUsage, "MASTER_PORT", format("is {}", place.port), "choose 1 to 65535");
  return place;
}

}  // namespace

std::string first_host(const std::string& nodes) {
  const std::size_t bracket = nodes.find_first_of("[,");
  if (bracket == nodes.npos || nodes[bracket] == ',') return nodes.substr(0, bracket);
  const std::size_t end = nodes.find_first_of("-,]", bracket);
  const std::size_t close = nodes.find(']', bracket);
  if (end == nodes.npos || close == nodes.npos) return nodes;
  const std::size_t next = nodes.find(',', close);  // what stands behind the bracket belongs to the name
  return nodes.substr(0, bracket) + nodes.substr(bracket + 1, end - bracket - 1) +
         nodes.substr(close + 1, next == nodes.npos ? next : next - close - 1);
}

Place find_place(const Environment& environment) {
  Place place;
  place.port = number(environment, "MASTER_PORT").value_or(kPort);
  place.address = text(environment, "MASTER_ADDR");
  if (const auto world = number(environment, "WORLD_SIZE")) {
    place.size = *world;
    if (place.size < 1) throw Error(Code::kUsage, "WORLD_SIZE", "is 0", "unset it to run in one process");
    if (place.size == 1) return checked(place);
    place.rank = need(environment, "RANK", "WORLD_SIZE");
    place.local_rank = number(environment, "LOCAL_RANK").value_or(0);
    place.store_is_there = text(environment, "TORCHELASTIC_USE_AGENT_STORE") == "True";
    place.run = text(environment, "TORCHELASTIC_RUN_ID") + "/" + text(environment, "TORCHELASTIC_RESTART_COUNT", "0");
    return checked(place);
  }
  const auto tasks = number(environment, "SLURM_STEP_NUM_TASKS");
  if (!tasks || *tasks < 2) return place;
  place.size = *tasks;
  place.rank = need(environment, "SLURM_PROCID", "SLURM_STEP_NUM_TASKS");
  place.local_rank = number(environment, "SLURM_LOCALID").value_or(0);
  if (place.address.empty()) place.address = first_host(text(environment, "SLURM_STEP_NODELIST"));
  if (!number(environment, "MASTER_PORT")) place.port = kPort + number(environment, "SLURM_JOB_ID").value_or(0) % 1000;
  place.run = text(environment, "SLURM_JOB_ID") + "/" + text(environment, "SLURM_STEP_ID", "0");
  return checked(place);
}

std::string device_of(const std::string& device, int local_rank, int visible) {
  return device == "cuda" && visible > 0 ? format("cuda:{}", local_rank % visible) : device;
}

void require_alone(const std::string& command) {
  const Place place = find_place(std::getenv);
  if (place.size > 1)
    throw Error(Code::kUsage, command, format("runs in one process, {} were started", place.size),
                "start it once; the `train` commands take several");
}

}  // namespace beholder::dist
