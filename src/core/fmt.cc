// The compiled half of fmt, once for the whole program: header-only fmt would cost every source two seconds of compiling.
#include <fmt/format-inl.h>

FMT_BEGIN_NAMESPACE
template FMT_API auto detail::thousands_sep_impl<char>(locale_ref) -> thousands_sep_result<char>;
template FMT_API auto detail::decimal_point_impl<char>(locale_ref) -> char;
FMT_END_NAMESPACE
