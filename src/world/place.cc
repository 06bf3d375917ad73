#include "world/place.h"

#include <algorithm>
#include <cmath>

#include "world/sample.h"

namespace beholder::world {
namespace {

constexpr double kReach = 1.15;  // corners reach beyond the nominal radius by up to this factor
constexpr double kGap = 2.5;     // px between objects, and between objects and the border

double radius(const Object& object) {
  return object.size / 2 * kReach;
}

// The first coordinate within [low, high], or the middle when the interval is empty.
double between(Rng& rng, double low, double high) {
  return low < high ? rng.uniform(low, high) : (low + high) / 2;
}

}  // namespace

void place_pair(Rng& rng, const Frame& frame, Relation relation, double slack, Object& a, Object& b) {
  const bool across = relation == Relation::kLeftOf || relation == Relation::kRightOf;
  const double along = across ? frame.width : frame.height, side = across ? frame.height : frame.width;
  const double border = kGap + frame.drift / 2;
  const double largest = std::min(kMaxObject, (along - 2 * border - kGap) / (2 * kReach));
  a.size = rng.uniform(kMinObject, largest);
  b.size = std::clamp(a.size * rng.uniform(0.8, 1.25), kMinObject, largest);
  const double ra = radius(a), rb = radius(b);
  // `near` is the one with the smaller coordinate on the relation's axis.
  const bool a_is_near = relation == Relation::kLeftOf || relation == Relation::kAbove;
  const double r_near = a_is_near ? ra : rb, r_far = a_is_near ? rb : ra;
  const double near = between(rng, border + r_near, along - border - 2 * r_far - r_near - kGap);
  const double far = between(rng, near + r_near + r_far + kGap, along - border - r_far);
  const double middle_near = between(rng, border + r_near, side - border - r_near);
  const double limit = slack * (far - near);
  const double middle_far =
      std::clamp(between(rng, middle_near - limit, middle_near + limit), std::max(border + r_far, middle_near - limit),
                 std::max(std::max(border + r_far, middle_near - limit), std::min(side - border - r_far, middle_near + limit)));
  Object& first = a_is_near ? a : b;
  Object& second = a_is_near ? b : a;
  first.x = across ? near : middle_near;
  first.y = across ? middle_near : near;
  second.x = across ? far : middle_far;
  second.y = across ? middle_far : far;
}

void place_free(Rng& rng, const Frame& frame, std::vector<Object>& objects) {
  const double border = kGap + frame.drift / 2;
  const auto n = static_cast<double>(objects.size());
  const double room =
      std::min({kMaxObject, 0.62 * std::sqrt(frame.width * frame.height / (n + 1)), 0.42 * std::min(frame.width, frame.height)});
  double size = rng.uniform(kMinObject, std::max(kMinObject, room));
  for (int attempt = 0;; ++attempt) {
    if (attempt % 40 == 39) size = std::max(kMinObject, size * 0.93);  // crowded: smaller objects make room
    bool fits = true;
    for (std::size_t i = 0; i < objects.size() && fits; ++i) {
      Object& o = objects[i];
      o.size = std::max(kMinObject, size * (0.94 + 0.02 * static_cast<double>(i % 5)));
      o.x = between(rng, border + radius(o), frame.width - border - radius(o));
      o.y = between(rng, border + radius(o), frame.height - border - radius(o));
      for (std::size_t j = 0; j < i; ++j)
        fits = fits && std::hypot(o.x - objects[j].x, o.y - objects[j].y) >= radius(o) + radius(objects[j]) + kGap / 2;
    }
    if (fits) return;
  }
}

}  // namespace beholder::world
