#include "report/html.h"

#include "report/testing.h"

namespace beholder::report {
namespace {

TEST(Escape, MarkupBecomesEntities) {
  EXPECT_EQ(escape("<script>alert('x') & \"y\"</script>"), "&lt;script&gt;alert(&#39;x&#39;) &amp; &quot;y&quot;&lt;/script&gt;");
  EXPECT_EQ(escape("&amp;"), "&amp;amp;");
}

TEST(Escape, KeepsTextOfAllScripts) {
  const std::string text = "Größe 猫 🐈 العربية\tend\n";
  EXPECT_EQ(escape(text), text);
}

TEST(Escape, ControlCharactersBecomeVisible) {
  EXPECT_EQ(escape(std::string_view("a\0b\x1B[2J\x7F", 8)), "a\u2400b\u241B[2J\u2421");
  EXPECT_EQ(escape("one\r\ntwo\rthree"), "one\ntwo\u240Dthree");
  EXPECT_EQ(escape("\xC2\x9B"
                   "31m"),
            "\uFFFD31m");                       // C1: a terminal's escape
  EXPECT_EQ(escape("\xEF\xBF\xBF"), "\uFFFD");  // U+FFFF
}

TEST(Escape, BrokenUtf8IsReplaced) {
  for (const char* bad : {"\xFF", "\xC3", "\xE2\x82", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80"}) {
    const std::string out = escape(std::string("a") + bad + "z");
    EXPECT_EQ(out.front(), 'a');
    EXPECT_EQ(out.back(), 'z');
    EXPECT_NE(out.find("\uFFFD"), std::string::npos);
    EXPECT_EQ(out.find(bad), std::string::npos);
  }
}

TEST(Html, Base64AsInRfc4648) {
  for (const auto& [plain, coded] : std::vector<std::pair<std::string, std::string>>{
           {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"\xFF\xFE\xFD", "//79"}})
    EXPECT_EQ(base64(plain), coded);
}

TEST(Html, AChanceIsNotCalledCertain) {
  EXPECT_EQ(percent(0.623), "62%");
  EXPECT_EQ(percent(0.9999), ">99%");
  EXPECT_EQ(percent(0.0001), "<1%");
  EXPECT_EQ(percent(1), "100%");
  EXPECT_EQ(percent(0), "0%");
}

}  // namespace
}  // namespace beholder::report
