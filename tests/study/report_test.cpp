#include "study/report.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace telltale::study {
namespace {

const std::vector<Table> tables = {
    {"Ten, and more", {"name", "share"}, {{"a", "1"}, {"long \"name\"", "22.5"}}, {"a note"}}};

TEST(Render, TextAlignsColumns) {
  EXPECT_EQ(render(tables, TableFormat::text),
            "Ten, and more\n"
            "  name         share\n"
            "  -----------  -----\n"
            "  a            1\n"
            "  long \"name\"  22.5\n"
            "  a note\n\n");
}

TEST(Render, CsvQuotesWhatNeedsIt) {
  EXPECT_EQ(
      render(tables, TableFormat::csv),
      "\"Ten, and more\",name,share\r\n\"Ten, and more\",a,1\r\n\"Ten, and more\",\"long \"\"name\"\"\",22.5\r\n");
}

TEST(Render, MarkdownIsATable) {
  EXPECT_EQ(render(tables, TableFormat::markdown),
            "## Ten, and more\n\n| name | share |\n| --- | --- |\n| a | 1 |\n| long \"name\" | 22.5 |\n\na note\n\n");
}

TEST(Report, RefusesAFileThatIsNone) { EXPECT_THROW(report(store::Group{}), Error); }

}  // namespace
}  // namespace telltale::study
