#include "study/answers.h"

#include <gtest/gtest.h>

#include <fstream>

#include "core/error.h"
#include "core/temporary_directory.h"
#include "study/csv.h"

namespace telltale::study {
namespace {

class AnswersFile : public ::testing::Test {
 protected:
  Answers read(const std::string& text) {
    std::ofstream(path_, std::ios::binary) << text;
    return read_answers(path_, 5, 10, "a1b2");
  }

  // What is said about a file, behind its name.
  std::string refusal(const std::string& text) {
    try {
      read(text);
    } catch (const InputError& error) {
      const std::string message = error.what();
      EXPECT_TRUE(message.starts_with(path_ + ":")) << message;
      return message.substr(path_.size() + 1);
    }
    return "accepted";
  }

  TemporaryDirectory folder_;
  std::string path_ = folder_ / "answers.csv";
};

using Labels = std::vector<std::int32_t>;

TEST_F(AnswersFile, HoldsLabelsBySample) {
  const Answers answers = read("sample,label\n3,7\n0,9\n");
  EXPECT_EQ(answers.labels, (Labels{9, -1, -1, 7, -1}));
  EXPECT_EQ(answers.given, 2u);
  EXPECT_EQ(answers.missing, 0u);
}

TEST_F(AnswersFile, MayHaveCommentsBlanksQuotesAndNoHeader) {
  EXPECT_EQ(read("\xEF\xBB\xBF# asked on Monday\r\n\r\n 1 , 4  # surely\r\n\"2\",\"5\"").labels,
            (Labels{-1, 4, 5, -1, -1}));
}

TEST_F(AnswersFile, CountsSamplesWithoutALabel) {
  const Answers answers = read("sample,label\n0,\n1,2\n2,\n2,\n");
  EXPECT_EQ(answers.missing, 2u);
  EXPECT_EQ(answers.given, 1u);
}

TEST_F(AnswersFile, MayRepeatItself) {
  const Answers answers = read("0,1\n0,1\n0,\n");
  EXPECT_EQ(answers.labels[0], 1);
  EXPECT_EQ(answers.given, 1u);
  EXPECT_EQ(answers.missing, 0u);
}

TEST_F(AnswersFile, AsTheTemplateIsHasOnlyMissingLabels) {
  EXPECT_EQ(read(answers_template({0, 2, 4}, 10, "a1b2")).missing, 3u);
}

TEST_F(AnswersFile, IsRefusedIfItIsAFormForOtherSamples) {
  EXPECT_EQ(refusal("\n" + answers_template({0}, 10, "ffff")).substr(0, 36), "2: this is a form for other samples ");
}

TEST_F(AnswersFile, IsRefusedWithItsLine) {
  EXPECT_EQ(refusal("0,1\n5,1\n"), "2: there is no sample 5: the results have the samples 0 to 4");
  EXPECT_EQ(refusal("-1,1\n"), "1: there is no sample -1: the results have the samples 0 to 4");
  EXPECT_EQ(refusal("sample,label\n0,10\n"), "2: there is no label 10: the classes are 0 to 9");
  EXPECT_EQ(refusal("0,-1\n"), "1: there is no label -1: the classes are 0 to 9");
  EXPECT_EQ(refusal("0,1\n\n0,2\n"), "3: sample 0 has the label 2 here, and 1 in line 1");
  EXPECT_EQ(refusal("0,cat\n"), "1: 'cat' is not a label");
  EXPECT_EQ(refusal("0,1.0\n"), "1: '1.0' is not a label");
  EXPECT_EQ(refusal("zero,1\n"), "1: 'zero' is not the number of a sample");
  EXPECT_EQ(refusal("0,1\nsample,label\n"), "2: 'sample' is not the number of a sample");
  EXPECT_EQ(refusal("0;1\n").substr(0, 21), "1: '0;1' is no answer");
  EXPECT_EQ(refusal("0,1,2\n").substr(0, 23), "1: '0,1,2' is no answer");
  EXPECT_EQ(refusal("0,\"1\n"), "1: a quoted field does not end");
  EXPECT_EQ(refusal("99999999999999999999,1\n"), "1: '99999999999999999999' is not the number of a sample");
}

TEST_F(AnswersFile, ThatIsNotThereIsRefused) { EXPECT_THROW(read_answers(path_, 5, 10, "a1b2"), InputError); }

TEST(Csv, ReadsBackWhatItWrites) {
  const std::vector<std::string> fields = {"a", "", "b, c", "say \"x\"", " d "};
  EXPECT_EQ(csv_line(fields), "a,,\"b, c\",\"say \"\"x\"\"\", d ");
  EXPECT_EQ(split_csv_line(csv_line(fields)), (std::vector<std::string>{"a", "", "b, c", "say \"x\"", "d"}));
  EXPECT_EQ(split_csv_line("a,"), (std::vector<std::string>{"a", ""}));
  EXPECT_THROW(split_csv_line("\"a\"b"), InputError);
}

}  // namespace
}  // namespace telltale::study
