"""Recipe · Facts with a tone to be chosen: that somebody felt, did or liked, or that something was.

Rules of the grammar that `sentiment` explains. Each line says what its words do to the tone: those
of `{felt}` leave it, those of `{against}` turn it round.
"""

import re


def lines(text):
    """The lines of a rule."""
    return [line.strip() for line in text.strip().splitlines()]


#: What can be done to one word, X, which is a feeling or an opinion; Y is another such word.
KEPT = lines(
    """
    X
    X
    [very|so|really|quite|truly|rather|still|always|more than] X
    as X as [can be|ever]
    X [indeed|again|as never before|and nothing else]
    [nothing but|more than] X
    both X and Y
    X and Y
    not only X but also Y
    X, not !X
    X instead of !X
    X rather than !X
    more X than !X
    """
)
TURNED_ROUND = lines(
    """
    not X
    not X
    not X [at all|any more|in the least|for a moment]
    [no longer|never|hardly|hardly ever|not really|not very|not so|not even] X
    [anything but|everything but|far from|far from being|by no means|not a bit] X
    never X again
    [neither X nor Y|not X or Y]
    less X than [ever|before]
    not X but !X
    less X than !X
    """
)


def said_with(ways, one, other):
    """Ways to say a word, for a pair of fields such as "felt" and "against"."""
    fields = {"!X": other, "X": one, "Y": f"also_{one}"}
    return [re.sub("!X|X|Y", lambda sign: f"{{{fields[sign[0]]}}}", way) for way in ways]


FACTS = {
    "fact": """
        {one} <predicate>
        {one} <predicate>
        {one} is <feeling>
        [today|now] {one} is <feeling>
        {it} [is|was|is|was|looked|turned out to be] <opinion>
        <opinion of all>
        <feeling of all>
        <feeling of all>
        """,
    "predicate": """
        <feels>
        <feels>
        <acts>
        <likes>
        """,
    "feels": """
        was <feeling>
        was <feeling>
        was <feeling>
        <feeling in other words>
        <feeling in other words>
        """,
    "feeling in other words": """
        [felt|looked|seemed|became|grew] [very|so|more and more|] {felt}
        [looks|seems|feels] [very|so|] {felt}
        did not [feel|look|seem|become] {against} [at all|any more|]
        does not [feel|look|seem] {against} [any more|]
        [never|no longer|hardly] [felt|looked|seemed] {against}
        [acted|looked] as if {he} was {felt}
        did not [look|act] as if {he} [was|were] {against}
        only pretended to be {against}
        spoke in a {felt} voice
        made a {felt} face
        [did not make|no longer made] a {against} face
        [was|stood there as] a {felt} child
        was [not|never] a {against} child
        was [said|known|thought] to be {felt}
        [could be called {felt}|could not be called {against}|could hardly be called {against}]
        could not say that {he} was {against}
        could not believe how {felt} {he} was
        [went home|came back|woke up|went to bed|sat there|stayed|remained] [very|so|] {felt}
        [went home|came back|woke up|sat there] [not|no longer|anything but|without being] {against}
        was [tired|hungry|not tired|not alone] [and|but] {felt}
        was neither [tired|hungry] nor {against}
        [kept on|went on|never stopped] [being|feeling] {felt}
        [stopped|gave up] [being|feeling] {against}
        [forgot|forgot all about] [being|feeling] {against}
        [denied|got over|was over] being {against}
        [refused|ceased] to be {against}
        [had to|could only|could not but] be {felt}
        could not help [being|feeling] {felt}
        could not [be|feel|stay] {against} [any more|for long|]
        [was in no mood|had no wish] to be {against}
        had [every|good|a] reason to [be|feel] {felt}
        had [no|little|hardly any] reason to [be|feel] {against}
        had [nothing|no cause] to be {against} about
        turned from {against} to {felt}
        went from being {against} to being {felt}
        was {against} [no more|no longer]
        [has been|had been] {felt} [all day|for days]
        has [never|not] been {against} [today|]
        had not been {against} for [a long time|days]
        had never [been|felt|looked] [so|more] {felt} [before|]
        had never [been|felt|looked] less {against}
        could not have been [more {felt}|less {against}]
        was more than a little {felt}
        was [less {against}|more {felt}] than {other}
        was [the most {felt}|the least {against}] of all
        was the [first to be {felt}|last to be {against}]
        [will|would] [soon|always] be {felt}
        [will|would] [never|not] be {against} [again|]
        was so {felt} that {he} {did}
        was [{felt} enough|so {felt} as] to {do}
        was too {felt} to {undo}
        gave [no sign of being {against}|every sign of being {felt}]
        would rather be {felt} than {against}
        [swore|promised] [never to be {against} again|always to be {felt}]
        was not one to be {against}
        """,
    "acts": """
        {did} [{at}|]
        [really|even|soon|finally] {did}
        did {do}
        [managed|was able|was allowed|got] to {do}
        did not {undo} [{at}|at all|after all|this time|]
        [never|hardly ever] {undid}
        [failed to|could not|did not have to|was not able to] {undo}
        [almost|nearly] {undid}
        was the one who {did}
        was not the one who {undid}
        [will|could|had to] {do}
        [will|would] [never|not] {undo}
        had no need to {undo}
        did [anything|everything] but {undo}
        """,
    "likes": """
        [really|always|] {liked} {it}
        [did not|did not really|could not] {dislike} {it}
        [never|no longer|hardly] {disliked} {it}
        [thought|said|found] that {it} was <opinion>
        did not [think|say|find] that {it} was {blamed}
        had never [seen|known] [anything so {praised}|such a {praised} thing]
        could find nothing {blamed} [in|about] {it}
        would never call {it} {blamed}
        [called|found] {it} {praised}
        did not [call|find] {it} {blamed}
        {liked} {it}, and so did {other}
        """,
    "opinion of all": """
        nothing about {it} [is|was|seemed] {blamed}
        everything about {it} [is|was|seemed] {praised}
        there [is|was] [nothing|not one thing|little|hardly anything] {blamed} about {it}
        there [is|was] [something|much] {praised} about {it}
        [everybody|everyone] {liked} {it}
        [nobody|no one] {disliked} {it}
        [nobody|no one] [would|could] call {it} {blamed}
        everyone [would|could] call {it} {praised}
        it was <praised> [day|story|present|song|idea|place]
        they had <praised> day {at}
        {it} could not [be|have been] [more {praised}|less {blamed}]
        it was [hard|impossible] to call {it} {blamed}
        {it} [will|would|could] [never|not] be {blamed}
        {it} [is|was] [what I call {praised}|not what I call {blamed}]
        [nothing|no story] [is|was] [so {praised} as|more {praised} than] {it}
        {it} [is|was] [the most {praised}|the least {blamed}] of all
        {one} [never tired|was never tired] of saying how {praised} {it} was
        most people {liked} {it}, and so did {one}
        [never|not once] had {it} been [so {praised}|less {blamed}]
        it would be [wrong|a mistake] to call {it} {blamed}
        """,
    "praised": """
        a {praised}
        [such|quite|really] a {praised}
        [never|hardly|by no means|anything but|not] a {blamed}
        [not a|no] {blamed}
        """,
    "feeling of all": """
        [everybody|everyone] [{at}|] was {felt}
        [nobody|no one|not one child] [{at}|] was {against}
        [nobody|no one] was {against}
        [hardly anyone|hardly anybody|almost nobody] [{at}|] was {against}
        [none|not one] of the children was {against}
        all the children were {felt}
        {one} and {other} were <feeling>
        neither {one} nor {other} was {against}
        both {one} and {other} were {felt}
        [nobody|no one] was [more {felt}|less {against}] than {one}
        nothing [made|could make] {one} {against}
        [everything|something] made {one} {felt}
        [nobody|no one] had ever seen {one} [so {felt}|more {felt}|{against}]
        there was [good reason for {one} to be {felt}|no reason for {one} to be {against}]
        only {one} was <feeling>
        [everybody|everyone] [but|except] {one} was {against}
        [nobody|no one] [but|except] {one} was {felt}
        there was [no one|nobody|not one child] who was {against} [{at}|]
        there was [no one|nobody|not one child] who was not {felt} [{at}|]
        there was not [one|a single] {against} face {at}
        all [faces|the faces] were {felt}
        it was [hard|impossible] [for {one}|] to be {against}
        it was [hard|impossible] to be {against} when {one} {did}
        it was easy [for {one}|] to be {felt}
        [no one was|nobody could be|there was no one] [as|so] {felt} as {one}
        [never|never again|not once|not for a moment|at no time|not even now] was {one} {against}
        [even|again] {one} was <feeling>
        the days when {one} was {against} were over
        the last thing {one} [was|felt] was {against}
        it was {other} who was {against}, not {one}
        it was {one} who was {felt}, not {other}
        the one who [{did} was|{undid} was not] {one}
        [nobody|no one] [called|would call|found] {one} {against}
        [everybody|{other}] [called|found] {one} {felt}
        {other} did not find {one} {against}
        [nobody|no one|not one child] [{at}|] {undid}
        [everybody|every child] [{at}|] {did}
        it was [{one} who {did}|not {one} who {undid}]
        [never|not once] did {one} {undo}
        [not even {other}|no rain|no storm] could make {one} {against}
        so {felt} was {one} that {he} {did}
        it [is|was] hard to believe that {one} [was ever|had been] {against}
        [never|not once] had {one} been [so {felt}|less {against}]
        [not a day|no day] went by without {one} being {felt}
        """,
}
FACTS = {name: lines(text) for name, text in FACTS.items()}
FACTS |= {
    "feeling": ["<feeling kept>", "<feeling kept>", "<feeling turned>"],
    "feeling kept": said_with(KEPT, "felt", "against"),
    "feeling turned": said_with(TURNED_ROUND, "against", "felt"),
    "opinion": ["<opinion kept>", "<opinion kept>", "<opinion turned>"],
    "opinion kept": said_with(KEPT, "praised", "blamed"),
    "opinion turned": said_with(TURNED_ROUND, "blamed", "praised"),
}
