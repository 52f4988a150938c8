"""Recipe · Sentences about two facts: what was before, in spite of what, why, and how others felt.

Rules of the grammar that `sentiment` explains. The sentence has the tone of one of its facts, that
of `{one}` and of the end; the other fact has that tone as well, or is turned round.
"""

from tinyhf.recipes.little_tasks.sentiment_facts import lines

PAIRS = {
    "time": """
        [at first|first] {one} <!predicate>, but [then|later|now|at last] {he} <predicate>
        {one} <!feels> [at first|before], but [now|then|later|in the end] {he} <predicate>
        {one} <!feels> until {he} <acts>
        until {he} <acts>, {one} <!feels>
        before {he} {did}, {one} was {against}
        [when|as soon as|after] {one} <acts>, {he} <feels>
        {one} <feels> [when|as soon as|after] {he} <acts>
        [yesterday|once] {one} <!feels>, [but|and] [now|today] {he} <feels>
        {one} [had been|used to be] {against}, but [now|then] {he} <predicate>
        {one} was not as {against} as [before|{he} used to be]
        {one} was {felt} now, and {against} before
        {one} <!predicate>. Then {he} <predicate>
        first {it} was {blamed}, but [now|then] it [is|was] <opinion>
        it took a long time until {one} <feels>
        {one} needed a long time to [{do}|be {felt}], but [at last|in the end] {he} did
        after a {blamed} [day|story|morning] came a {praised} one
        {one} woke up {against}, but went to bed {felt}
        it had been a {blamed} [day|morning] until {one} <acts>
        {one} had [thought|expected] that {he} would be {against}, but {he} <feels>
        {one} [expected|thought] {it} to be {blamed}, but it was <opinion>
        from that day on, {one} <feels>
        {one}, who <!acts> [last week|yesterday|before], <acts> [today|now]
        once {against}, {one} was now {felt}
        {against} [before|yesterday|at first], {one} [is now|was now] {felt}
        by the time {other} came, {one} <feels>
        as long as {other} was [near|away], {one} <feels>
        """,
    "contrast": """
        [although|though|even though|while] {he} <!predicate>, {one} <predicate>
        {one} <predicate> [although|though|even though] {he} <!predicate>
        {one} <!predicate>, [but|yet|but still] {he} <predicate>
        {one} <!predicate>. [But|Still,|Yet|Even so,|However,] {he} <predicate>
        [instead of|far from|rather than] [being|feeling] {against}, {one} <predicate>
        {one} <predicate> [instead of|without|rather than] [being|feeling] {against}
        [in spite of|despite] being {against}, {one} <acts>
        {one} <acts> [in spite of|despite] being {against}
        {it} [is|was] <!opinion>, but {one} <predicate>
        {one} was {against}, but [not any more|not for long|that was long ago|it passed]
        {one} was {felt}, and [{he} stayed so|nothing could change that|so it stayed]
        {one} [might|could|should] have been {against}, but {he} [was not|was {felt}]
        {one} [seemed|looked] {against}, but {he} was [not|{felt}]
        {one} was [going|about] to {undo}, but did not
        some [found|called] {it} {blamed}, but {one} {liked} it
        {other} {disliked} {it}, but [{one} did not|not {one}]
        {one} did not {undo}, [as|though] {other} had [feared|thought|hoped]
        {one} [might|may] [look|seem] {against}, but {he} is {felt}
        """,
    "reason": """
        {one} <feels> [because|for|since|now that] {he} <acts>
        [because|since|now that] {he} <acts>, {one} <feels>
        {one} <acts>, [and|so|and so] {he} <feels>
        {one} <feels>, and {shown}
        {it} [is|was] <opinion>, [and|so] {one} <predicate>
        {one} <feels>. {he} <acts>
        {felt} [and {also_felt}|and tired|], {one} <acts>
        [no longer|not|never] {against}, {one} <acts>
        {felt} [and {also_felt}|and tired|], {one} went [home|to bed|away] [with {other}|]
        [no longer|not|never] {against}, {one} went [home|to bed|away] [with {other}|]
        {one} <feels>: {he} <acts>
        """,
    "others": """
        {other} <!feels>, [but|while|and yet] {one} <predicate>
        [while|although|when|where] {other} <!feels>, {one} <predicate>
        unlike {other}, who <!feels>, {one} <predicate>
        [the others|many children] were <!feeling>, but {one} <predicate>
        {other} was {against}, but [{one} was not|not {one}]
        {other} was not {felt}, but {one} was
        {other} was {felt}, and so was {one}
        {other} was not {against}, and neither was {one}
        just like {other}, {one} <feels>
        {one} <feels>, [just like|and so is|not unlike] {other}
        {one} <predicate>, unlike {other}
        {other} <!feels>. {one}, [on the other hand|however], <feels>
        there were [others|those|many] who were {against}, but {one} <predicate>
        [never mind|think of] those who are {against}: {one} <feels>
        [everybody|everyone] else was {against}, but not {one}
        [nobody|no one] else was {felt}, but {one} was
        {other} {undid}, but [{one} did not|not {one}]
        some were {against}, others were not, but {one} <feels>
        [although|even though|though|while] {other} <!predicate>, {one} <predicate>
        [apart from|except for|but for] {one}, everybody was {against}
        [apart from|except for|but for] {one}, nobody was {felt}
        if anybody was {felt}, it was {one}
        if anybody was {against}, it was not {one}
        """,
    "wish": """
        {one} [wanted|hoped|wished|expected] to be {felt}, and [so it was|{he} was]
        {one} [wanted|hoped|expected] to {do}, and [so it was|{he} did]
        {one} [wanted|tried|was afraid|expected] to be {against}, but [{he} was not|could not]
        {one} [wanted|tried|was afraid|expected] to {undo}, but [{he} did not|could not]
        {one} [hoped|wished|tried] not to be {against}, and [{he} was not|so it was]
        {one} [hoped|wished|tried] not to be {felt}, but {he} was
        {one} had to be {felt}
        {other} [asked|told|wanted] {one} [to be|not to be] {against}, but {one} <feels>
        {other} [made|kept] {one} {felt}
        {other} could not make {one} {against}
        {other} tried to make {one} {against}, but [could not|it did not work|not for long]
        """,
}
PAIRS = {name: lines(text) for name, text in PAIRS.items()}
