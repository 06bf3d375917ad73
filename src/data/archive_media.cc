#include "data/archive_media.h"

#include "core/error.h"
#include "core/interrupt.h"
#include "core/rng.h"
#include "data/rows.h"

namespace beholder::data {

void read_archives(Dataset& set, const ArchiveWatch& watch) {
  const auto wanted = [](const std::string& file) { return !is_table_path(file); };
  for (const auto& [name, parts] : set.files().archives) {
    try {
      ArchiveReader archive(parts);
      while (const auto member = archive.next(wanted)) {
        check_interrupt("start it again");
        const std::string path = archive_stem(name) + "/" + member->name;
        if (member->error.empty() && !wanted(member->name)) continue;
        if (member->error.empty()) set.finder().add_virtual(path, stable_hash(member->bytes));
        if (watch.member) watch.member(path, *member);
      }
    } catch (const Error& e) {
      if (e.code() == Code::kInterrupted) throw;
      if (watch.broken) watch.broken(name, e.what());
    }
  }
}

}  // namespace beholder::data
